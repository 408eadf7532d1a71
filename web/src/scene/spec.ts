/** What a scene is: the few facts from which it is drawn again, by undo, by a reload, by a shared address. */
export interface Filter {
  ports: string
  protocol: string
  action: string
  direction: string
  minBytes: string
  maxBytes: string
}
export interface Spec {
  /** Edge labels of the scene; none is the graph's biggest one. */
  edges: string[]
  hasGroups: boolean
  /** Every address by itself, as many as can be drawn; what is left over stays in groups. */
  isAll: boolean
  groupBy: string
  nodes: string[]
  hidden: string[]
  only: string[]
  pinned: Record<string, [number, number]>
  filter: Filter
  split: string
  colour: string
  size: string
  width: string
  label: string
  layout: string
  limit: number
  off: string[]
  path: string[]
  time: [number, number]
  notes: Record<string, string>
  /** Which node's expansion brought which nodes, for "collapse". */
  grown: Record<string, string[]>
}
export const noFilter: Filter = { ports: '', protocol: '', action: '', direction: '', minBytes: '', maxBytes: '' }
export const emptySpec: Spec = {
  edges: [], hasGroups: true, isAll: false, groupBy: 'network', nodes: [], hidden: [], only: [], pinned: {}, filter: noFilter, split: '', colour: 'kind', size: 'bytes', width: 'bytes', label: 'name',
  layout: 'structure', limit: 300, off: [], path: [], time: [0, 63], notes: {}, grown: {},
}
/** More are drawn as groups. */
export const MOST_NODES = 20000
export const GROUP = 'group:'
export const isGroup = (id: string): boolean => id.startsWith(GROUP)
export const isInternal = (a: string): boolean => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd][0-9a-f]{2}:|fe80:)/i.test(a)

export const add = (s: Spec, ids: string[], by = ''): Spec => {
  const [had, given] = [new Set(s.nodes), new Set(ids)]
  const fresh = ids.filter((i) => !had.has(i))
  const grown = by && fresh.length ? { ...s.grown, [by]: [...(s.grown[by] ?? []), ...fresh] } : s.grown
  return { ...s, nodes: [...s.nodes, ...fresh], hidden: s.hidden.filter((h) => !given.has(h)), only: s.only.length ? [...new Set([...s.only, ...ids])] : s.only, grown }
}
export const collapse = (s: Spec, id: string): Spec => {
  const gone = new Set<string>()
  const sweep = (by: string): void => {
    for (const i of s.grown[by] ?? []) if (!gone.has(i)) { gone.add(i); sweep(i) }
  }
  sweep(id)
  gone.delete(id)
  const grown = Object.fromEntries(Object.entries(s.grown).filter(([k]) => k !== id && !gone.has(k)))
  return { ...s, nodes: s.nodes.filter((n) => !gone.has(n)), only: s.only.filter((n) => !gone.has(n)), grown }
}
export const hide = (s: Spec, ids: string[]): Spec => ({ ...s, hidden: [...new Set([...s.hidden, ...ids])] })
export const countFilters = (f: Filter): number => Object.values(f).filter(Boolean).length

/** Ports as typed: "22,3389,8000-8100". Undefined when it is not that. */
export function parsePorts(text: string): [number, number][] | undefined {
  const parts = text.split(/[\s,]+/).filter(Boolean)
  const ranges: [number, number][] = []
  for (const p of parts) {
    const m = /^:?(\d{1,5})(?:-(\d{1,5}))?$/.exec(p)
    if (!m) return undefined
    const [low, high] = [Number(m[1]), Number(m[2] ?? m[1])]
    if (low > 65535 || high > 65535 || low > high) return undefined
    ranges.push([low, high])
  }
  return ranges
}
/** "1 MB", "1.5k", "2000" → a number of bytes. */
export function parseBytes(text: string): number | undefined {
  const m = /^\s*([\d.]+)\s*([kmgt]?)b?\s*$/i.exec(text)
  if (!m || Number.isNaN(Number(m[1]))) return undefined
  return Number(m[1]) * 1000 ** ' kmgt'.indexOf(m[2]!.toLowerCase() || ' ')
}
const PROTOCOLS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, gre: 47, esp: 50, icmpv6: 58 }
export const protocolNumber = (text: string): number | undefined => PROTOCOLS[text.toLowerCase()] ?? (/^\d{1,3}$/.test(text) ? Number(text) : undefined)
export const protocolName = (n: number): string => Object.entries(PROTOCOLS).find(([, v]) => v === n)?.[0].toUpperCase() ?? `protocol ${n}`

export interface Undo { past: Spec[]; now: Spec; future: Spec[] }
const MOST_STEPS = 100
export const step = (u: Undo, now: Spec): Undo => (now === u.now ? u : { past: [...u.past, u.now].slice(-MOST_STEPS), now, future: [] })
export const undo = (u: Undo): Undo => (u.past.length ? { past: u.past.slice(0, -1), now: u.past.at(-1)!, future: [u.now, ...u.future] } : u)
export const redo = (u: Undo): Undo => (u.future.length ? { past: [...u.past, u.now], now: u.future[0]!, future: u.future.slice(1) } : u)

/** Only what differs from an empty scene goes into the address. */
export function pack(s: Spec, camera?: Camera): string {
  const small: Record<string, unknown> = Object.fromEntries(Object.entries(s).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(emptySpec[k as keyof Spec])))
  if (camera) small.camera = camera
  let bytes = ''
  for (const b of new TextEncoder().encode(JSON.stringify(small))) bytes += String.fromCharCode(b)
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
export const unpack = (text: string): Spec | undefined => adopt(unpacked(text))
export function unpacked(text: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
/** Where the picture is looked at from: its middle and how much of it is seen. It is no step that can be undone. */
export type Camera = [x: number, y: number, ratio: number]
export function adoptCamera(o: unknown): Camera | undefined {
  const c = (o as { camera?: unknown } | undefined)?.camera
  return Array.isArray(c) && c.length === 3 && c.every(Number.isFinite) && c[2] > 0.001 && c[2] < 100 ? (c as Camera) : undefined
}
const isSpot = (v: unknown): boolean => Array.isArray(v) && v.length === 2 && v.every((x) => Number.isFinite(x))
const kept = (v: unknown, isGood: (x: unknown) => boolean): Record<string, unknown> => Object.fromEntries(Object.entries(v as object).filter(([, x]) => isGood(x)).slice(0, MOST_NODES))
function adoptPart(name: string, v: unknown): unknown {
  const isText = (x: unknown): boolean => typeof x === 'string'
  switch (name) {
    case 'time': return isSpot(v) ? (v as number[]).map((x) => Math.max(0, Math.min(63, Math.round(x)))) : emptySpec.time
    case 'limit': return Math.max(1, Math.min(MOST_NODES, Math.round(v as number) || emptySpec.limit))
    case 'filter': return { ...noFilter, ...kept(v, isText) }
    case 'pinned': return kept(v, isSpot)
    case 'notes': return kept(v, isText)
    case 'grown': return kept(v, (x) => Array.isArray(x) && x.every(isText))
    default: return Array.isArray(v) ? v.filter(isText).slice(0, MOST_NODES) : v
  }
}
/** A scene from outside: every part has the right type or is the empty scene's. */
export function adopt(o: unknown): Spec | undefined {
  if (typeof o !== 'object' || o === null) return undefined
  const given = o as Record<string, unknown>
  const made: Record<string, unknown> = { ...emptySpec }
  for (const [k, fallback] of Object.entries(emptySpec)) {
    const v = given[k]
    if (v === undefined || typeof v !== typeof fallback || Array.isArray(v) !== Array.isArray(fallback)) continue
    made[k] = adoptPart(k, v)
  }
  return made as unknown as Spec
}

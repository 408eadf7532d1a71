/** A scene as it is drawn: nodes and edges with their numbers, and what filters by time and legend leave visible. */
import { keyOf } from './elements'
import { BUCKETS } from './sql'
import { isGroup, isInternal, GROUP, type Spec } from './spec'

export interface Node {
  id: string
  name: string
  isGroup: boolean
  isOutside: boolean
  group: string
  members: number
  sent: number
  received: number
  bytes: number
  flows: number
  rejected: number
  degree: number
  properties: Record<string, unknown>
}
export interface Edge {
  id: string
  s: string
  d: string
  label: string
  split: string
  flows: number
  bytes: number
  packets: number
  rejected: number
  low: number
  high: number
  pairs: number
}
/** `allNodes` and `allEdges` are how many there are; the scene has those with most bytes. */
export interface Scene { nodes: Map<string, Node>; edges: Edge[]; allNodes: number; allEdges: number }
export const emptyScene: Scene = { nodes: new Map(), edges: [], allNodes: 0, allEdges: 0 }

type Row = Record<string, any>

export function makeScene(nodeRows: Row[], edgeRows: Row[], properties: Map<string, Record<string, unknown>>, isMixed: boolean): Scene {
  const nodes = new Map<string, Node>()
  for (const r of nodeRows) {
    const id = String(r.id)
    const group = isGroup(id)
    const name = group ? id.slice(GROUP.length) : keyOf(id)
    const sent = Number(r.sent)
    const received = Number(r.received)
    nodes.set(id, {
      id, name, isGroup: group, isOutside: !id.endsWith(']') && isOutsideName(name), group: String(r.grp ?? ''), members: Number(r.members), sent, received, bytes: sent + received,
      flows: Number(r.flows), rejected: Number(r.rejected), degree: Number(r.degree), properties: properties.get(id) ?? {},
    })
  }
  const edges = edgeRows.filter((r) => nodes.has(r.s) && nodes.has(r.d)).map((r): Edge => ({
    id: edgeId(r.s, r.d, isMixed ? r.l : '', r.x ?? ''), s: r.s, d: r.d, label: r.l, split: r.x ?? '', flows: Number(r.flows), bytes: Number(r.bytes), packets: Number(r.packets), rejected: Number(r.rejected), low: Number(r.low), high: Number(r.high), pairs: Number(r.pairs),
  }))
  return { nodes, edges, allNodes: Number(nodeRows[0]?.all_nodes ?? 0), allEdges: Number(edgeRows[0]?.all_edges ?? 0) }
}
/** Of several labels, an edge's name says which. */
export const edgeId = (s: string, d: string, label: string, split: string): string => `${s}→${d}${[label, split].filter(Boolean).map((x) => `|${x}`).join('')}`
const isOutsideName = (name: string): boolean => /^[0-9a-f]*[.:]/i.test(name) && !isInternal(name)

/** Two 32-bit masks of the buckets from a to b. */
export function timeMask([a, b]: [number, number]): [number, number] {
  let low = 0
  let high = 0
  for (let i = Math.max(0, a); i <= Math.min(BUCKETS - 1, b); i++) {
    if (i < 32) low |= 1 << i
    else high |= 1 << (i - 32)
  }
  return [low, high]
}

/** Values of a node that can colour, size or name it. */
export function valueOf(n: Node, what: string): unknown {
  switch (what) {
    case 'kind': return n.id.endsWith(']') ? n.id.slice(0, n.id.indexOf('[')) : n.isGroup ? (n.isOutside ? 'outside network' : 'inside network') : n.isOutside ? 'outside' : 'inside'
    case 'name': return n.name
    case 'rejects': return n.flows && n.rejected / n.flows > 0.5 ? 'mostly rejected' : n.rejected ? 'some rejected' : 'accepted'
    case 'network': return n.group
    case 'label': return n.isGroup ? 'network' : n.id.endsWith(']') ? n.id.split('[')[0] : n.properties.label ?? 'address'
    case 'bytes': return n.bytes
    case 'sent': return n.sent
    case 'received': return n.received
    case 'flows': return n.flows
    case 'degree': return n.degree
    case 'members': return n.members
    case 'same': return 1
    default: return n.properties[what] ?? (n.isGroup ? 'network' : 'unknown')
  }
}

export interface Visible { nodes: Set<string>; edges: Set<string> }
export function visible(scene: Scene, spec: Spec): Visible {
  const [low, high] = timeMask(spec.time)
  const isAll = spec.time[0] === 0 && spec.time[1] === BUCKETS - 1
  const hidden = new Set(spec.hidden)
  const only = spec.only.length ? new Set(spec.only) : undefined
  const off = new Set(spec.off)
  const nodes = new Set<string>()
  for (const n of scene.nodes.values())
    if (!hidden.has(n.id) && (!only || only.has(n.id)) && (off.size === 0 || !off.has(String(valueOf(n, spec.colour))))) nodes.add(n.id)
  const edges = new Set<string>()
  const touched = new Set<string>()
  for (const e of scene.edges) {
    if (!nodes.has(e.s) || !nodes.has(e.d) || (!isAll && !(e.low & low) && !(e.high & high))) continue
    edges.add(e.id)
    touched.add(e.s)
    touched.add(e.d)
  }
  if (!isAll) for (const id of nodes) if (!touched.has(id)) nodes.delete(id)
  return { nodes, edges }
}

export const neighbours = (scene: Scene, v: Visible, ids: string[]): string[] => {
  const from = new Set(ids)
  const found = new Set<string>()
  for (const e of scene.edges) {
    if (!v.edges.has(e.id)) continue
    if (from.has(e.s)) found.add(e.d)
    if (from.has(e.d)) found.add(e.s)
  }
  return [...found].filter((i) => !from.has(i))
}

/** The eight busiest values get a colour each, all others share one. */
export function legend(scene: Scene, spec: Spec): { value: string; count: number; colour: string }[] {
  const counts = new Map<string, number>()
  for (const n of scene.nodes.values()) {
    const v = String(valueOf(n, spec.colour))
    counts.set(v, (counts.get(v) ?? 0) + 1)
  }
  const fixed: Record<string, string> = { inside: 'c0', outside: 'c2', 'inside network': 'c1', 'outside network': 'c7', accepted: 'ok', 'some rejected': 'warn', 'mostly rejected': 'err' }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([value, count], i) => ({ value, count, colour: fixed[value] ?? (i < 8 ? `c${i}` : 'muted') }))
}

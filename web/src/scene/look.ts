/** From numbers to sizes, colours and names. */
import { colour } from '../app/settings'
import { bytes, count } from '../api/format'
import { legend, valueOf, type Edge, type Node, type Scene, type Visible } from './scene'
import type { Spec } from './spec'

const scale = (v: number, top: number, low: number, high: number): number => (top <= 0 || v <= 0 ? low : low + (high - low) * (Math.log1p(v) / Math.log1p(top)) ** 2)

export interface Palette { node: (n: Node) => string; edge: (e: Edge) => string; strength: (e: Edge) => string; text: string; muted: string; surface: string; accent: string; warn: string; faint: string }

export function palette(scene: Scene, spec: Spec): Palette {
  const known = new Map<string, string>()
  const colourOf = (name: string): string => {
    let c = known.get(name)
    if (c === undefined) known.set(name, (c = colour(name)))
    return c
  }
  const named = new Map(legend(scene, spec).map((l) => [l.value, colourOf(l.colour)]))
  const [ok, err, some, muted, fallback] = [colour('c6'), colour('err'), colour('warn'), colour('muted'), colour('muted')]
  const kinds = edgeKinds(scene, spec)
  const ofKind = new Map(kinds.map((k) => [k.value, colour(k.colour)]))
  const strong = strengths(scene, spec)
  return {
    node: (n) => named.get(String(valueOf(n, spec.colour))) ?? fallback,
    edge: (e) => (kinds.length ? ofKind.get(kindOf(e, spec)) ?? ok : isRejected(e) ? err : e.rejected ? some : ok),
    strength: (e) => Math.round(strong.get(e.id) ?? 96).toString(16).padStart(2, '0'),
    text: colour('text'), muted, surface: colour('surface'), accent: colour('accent'), warn: colour('warn'), faint: colour('line'),
  }
}
/** How opaque each edge is, 0 to 255, by its rank: the weighty ones stand out, and the more there are the fainter the rest,
 * so that a picture of thousands is not one blot even when all weigh the same. */
export function strengths(scene: Scene, spec: Spec): Map<string, number> {
  const width = widthOf(spec)
  const n = scene.edges.length
  const ranked = spec.width === 'bytes' ? scene.edges : [...scene.edges].sort((a, b) => width(b) - width(a))
  const low = Math.max(10, Math.min(100, 100 * Math.sqrt(100 / n)))
  const high = Math.max(110, Math.min(235, 235 * Math.sqrt(300 / n)))
  return new Map(ranked.map((e, i) => [e.id, low + (high - low) * Math.max(0, 1 - i / Math.min(n, 150)) ** 2]))
}
const kindOf = (e: Edge, spec: Spec): string => (spec.split === 'port' || spec.split === 'protocol' ? e.split : e.label)
/** Edges have colours of their own when they are split by port or protocol, or of several labels; else the colour says what was rejected. */
export function edgeKinds(scene: Scene, spec: Spec): { value: string; count: number; colour: string }[] {
  const isSplit = spec.split === 'port' || spec.split === 'protocol'
  if (!isSplit && new Set(scene.edges.map((e) => e.label)).size < 2) return []
  const counts = new Map<string, number>()
  for (const e of scene.edges) counts.set(kindOf(e, spec), (counts.get(kindOf(e, spec)) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([value, count], i) => ({ value, count, colour: i < 8 ? `c${[6, 3, 2, 5, 4, 0, 7, 1][i]}` : 'muted' }))
}
export const widthOf = (spec: Spec) => (e: Edge): number => (spec.width === 'packets' ? e.packets : spec.width === 'flows' ? e.flows : e.bytes)
export const isRejected = (e: Edge): boolean => e.rejected > e.flows / 2

export function sizes(scene: Scene, spec: Spec): { node: (n: Node) => number; edge: (e: Edge) => number } {
  const of = (n: Node): number => (spec.size === 'same' ? 1 : Number(valueOf(n, spec.size)) || 0)
  const width = widthOf(spec)
  let topNode = 1
  for (const n of scene.nodes.values()) topNode = Math.max(topNode, of(n))
  let topEdge = 1
  for (const e of scene.edges) topEdge = Math.max(topEdge, width(e))
  // The more there is, the smaller and thinner all of it.
  const [room, thin] = [Math.max(0.14, Math.min(1, Math.sqrt(70 / scene.nodes.size))), Math.max(0.12, Math.min(1, Math.sqrt(45 / scene.edges.length)))]
  return { node: (n) => (n.isGroup ? scale(of(n), topNode, 7, 19) : scale(of(n), topNode, 5, 13)) * room + 0.6, edge: (e) => Math.max(0.6, scale(width(e), topEdge, 0.9, 7) * thin) }
}

const counted = new WeakMap<Scene, Map<string, number>>()
/** Neighbours that a node has and the scene does not show; counted once for each scene. */
export function missing(scene: Scene): Map<string, number> {
  let m = counted.get(scene)
  if (!m) counted.set(scene, (m = countMissing(scene)))
  return m
}
function countMissing(scene: Scene): Map<string, number> {
  const shown = new Map<string, Set<string>>()
  const note = (a: string, b: string): void => {
    if (!scene.nodes.get(b)?.isGroup) (shown.get(a) ?? shown.set(a, new Set()).get(a)!).add(b)
  }
  for (const e of scene.edges) {
    note(e.s, e.d)
    note(e.d, e.s)
  }
  return new Map([...scene.nodes.values()].filter((n) => !n.isGroup).map((n) => [n.id, Math.max(0, n.degree - (shown.get(n.id)?.size ?? 0))]))
}

export function nameOf(n: Node, spec: Spec, more: number): string {
  const own = spec.label === 'name' ? n.name : spec.label === 'none' ? '' : spec.label === 'bytes' ? bytes(n.bytes) : String(valueOf(n, spec.label))
  const note = spec.notes[n.id] ? ` ✎ ${spec.notes[n.id]!.slice(0, 24)}` : ''
  return own + (n.isGroup ? ` · ${count(n.members)}` : more > 0 && spec.label !== 'none' ? `  +${count(more)} more` : '') + note
}
export type { Visible }

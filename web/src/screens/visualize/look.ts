/** From numbers to sizes, colours and names. */
import { colour } from '../../app/settings'
import { bytes, count } from '../../api/format'
import { legend, valueOf, type Edge, type Node, type Scene, type Visible } from '../../scene/scene'
import type { Spec } from '../../scene/spec'

const scale = (v: number, top: number, low: number, high: number): number => (top <= 0 || v <= 0 ? low : low + (high - low) * (Math.log1p(v) / Math.log1p(top)) ** 2)

export interface Palette { node: (n: Node) => string; edge: (e: Edge) => string; text: string; muted: string; surface: string; accent: string; warn: string; faint: string }

export function palette(scene: Scene, spec: Spec): Palette {
  const named = new Map(legend(scene, spec).map((l) => [l.value, colour(l.colour)]))
  const [ok, err, muted, fallback] = [colour('c6'), colour('err'), colour('muted'), colour('muted')]
  const splits = [...new Set(scene.edges.map((e) => e.split))].sort()
  const ofSplit = new Map(splits.map((s, i) => [s, colour(`c${i % 8}`)]))
  return {
    node: (n) => named.get(String(valueOf(n, spec.colour))) ?? fallback,
    edge: (e) => (spec.split === 'port' || spec.split === 'protocol' ? ofSplit.get(e.split) ?? ok : isRejected(e) ? err : e.rejected ? colour('warn') : ok),
    text: colour('text'), muted, surface: colour('surface'), accent: colour('accent'), warn: colour('warn'), faint: colour('line'),
  }
}
export const isRejected = (e: Edge): boolean => e.rejected > e.flows / 2

export function sizes(scene: Scene, spec: Spec): { node: (n: Node) => number; edge: (e: Edge) => number } {
  const of = (n: Node): number => (spec.size === 'same' ? 1 : Number(valueOf(n, spec.size)) || 0)
  const width = (e: Edge): number => (spec.width === 'packets' ? e.packets : spec.width === 'flows' ? e.flows : e.bytes)
  const topNode = Math.max(1, ...[...scene.nodes.values()].map(of))
  let topEdge = 1
  for (const e of scene.edges) topEdge = Math.max(topEdge, width(e))
  return { node: (n) => (n.isGroup ? scale(of(n), topNode, 5, 20) : scale(of(n), topNode, 4, 13)), edge: (e) => scale(width(e), topEdge, 0.8, 7) }
}

/** Neighbours that a node has and the scene does not show. */
export function missing(scene: Scene): Map<string, number> {
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

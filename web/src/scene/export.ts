/** A scene as files. */
import { toCsv } from '../ui/Grid'
import type { Column } from '../api/query'
import type { Scene, Visible } from './scene'
import type { Spec } from './spec'

const column = (name: string, type = 'VARCHAR'): Column => ({ name, type })

export function nodeTable(scene: Scene, v: Visible): { columns: Column[]; rows: unknown[][] } {
  const keys = [...new Set([...scene.nodes.values()].flatMap((n) => Object.keys(n.properties)))].slice(0, 8)
  return {
    columns: [column('node'), column('kind'), column('network'), column('members', 'BIGINT'), column('bytes', 'BIGINT'), column('sent', 'BIGINT'), column('received', 'BIGINT'), column('flows', 'BIGINT'), column('rejected', 'BIGINT'), column('neighbours', 'BIGINT'), ...keys.map((k) => column(k))],
    rows: [...scene.nodes.values()].filter((n) => v.nodes.has(n.id)).sort((a, b) => b.bytes - a.bytes)
      .map((n) => [n.id, n.isGroup ? 'group' : n.isOutside ? 'outside' : 'inside', n.group, n.members, n.bytes, n.sent, n.received, n.flows, n.rejected, n.degree, ...keys.map((k) => n.properties[k] ?? null)]),
  }
}
export function edgeTable(scene: Scene, v: Visible): { columns: Column[]; rows: unknown[][] } {
  return {
    columns: [column('from'), column('to'), column('label'), column('split'), column('bytes', 'BIGINT'), column('packets', 'BIGINT'), column('flows', 'BIGINT'), column('rejected', 'BIGINT'), column('pairs', 'BIGINT')],
    rows: scene.edges.filter((e) => v.edges.has(e.id)).map((e) => [e.s, e.d, e.label, e.split, e.bytes, e.packets, e.flows, e.rejected, e.pairs]),
  }
}
export const nodesCsv = (scene: Scene, v: Visible): string => { const t = nodeTable(scene, v); return toCsv(t.columns, t.rows) }
export const edgesCsv = (scene: Scene, v: Visible): string => { const t = edgeTable(scene, v); return toCsv(t.columns, t.rows) }

export function sceneJson(scene: Scene, v: Visible, spec: Spec, camera: unknown, selected: string[]): string {
  return JSON.stringify({ floe: 'scene', version: 1, spec, camera, selected, nodes: [...scene.nodes.values()].filter((n) => v.nodes.has(n.id)), edges: scene.edges.filter((e) => v.edges.has(e.id)) }, null, 1)
}

const xml = (s: unknown): string => String(s).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
export function graphMl(scene: Scene, v: Visible): string {
  const keys = [['label', 'all', 'string'], ['bytes', 'all', 'long'], ['flows', 'all', 'long'], ['rejected', 'all', 'long'], ['members', 'node', 'long'], ['packets', 'edge', 'long']]
  const data = (k: string, x: unknown): string => `<data key="${k}">${xml(x)}</data>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...keys.map(([id, of, type]) => `<key id="${id}" for="${of}" attr.name="${id}" attr.type="${type}"/>`), '<graph edgedefault="directed">',
    ...[...scene.nodes.values()].filter((n) => v.nodes.has(n.id)).map((n) => `<node id="${xml(n.id)}">${data('label', n.name)}${data('bytes', n.bytes)}${data('flows', n.flows)}${data('rejected', n.rejected)}${data('members', n.members)}</node>`),
    ...scene.edges.filter((e) => v.edges.has(e.id)).map((e) => `<edge source="${xml(e.s)}" target="${xml(e.d)}">${data('label', e.label)}${data('bytes', e.bytes)}${data('flows', e.flows)}${data('rejected', e.rejected)}${data('packets', e.packets)}</edge>`),
    '</graph>', '</graphml>', '',
  ].join('\n')
}

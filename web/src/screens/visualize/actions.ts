/** What can be done to a scene that needs the server: search, expand, open a group, find a path. */
import { ask, select } from '../../api/query'
import { keyOf } from '../../scene/elements'
import type { Scene, Visible } from '../../scene/scene'
import { findSql, flowsSql, neighboursSql, openSql, pathSql, type Grow } from '../../scene/sql_ask'
import { add, collapse, GROUP, isGroup, type Spec } from '../../scene/spec'
import { save } from '../../ui'
import { toCsv } from '../../ui/Grid'
import type { World } from './useScene'

export interface Done { spec: Spec; said: string; focus: string[] }
const MOST_FOUND = 200

export async function find(signal: AbortSignal, w: World, spec: Spec, what: string): Promise<Done> {
  const rows = await select<{ id: string; matches: number }>(findSql(w.flows, what, MOST_FOUND), signal)
  if (!rows.length) return { spec, said: `Nothing matches ${what}. Addresses, CIDRs, :ports, eni-…, i-…, subnet-…, accounts can be found.`, focus: [] }
  const ids = rows.map((r) => r.id)
  const all = Number(rows[0]!.matches)
  return { spec: add(spec, ids), said: all > ids.length ? `The ${ids.length} busiest of ${all.toLocaleString()} that match ${what}` : `${ids.length} found for ${what}`, focus: ids }
}

export async function expand(signal: AbortSignal, w: World, spec: Spec, ids: string[], grow: Grow): Promise<Done> {
  const single = ids.filter((i) => !isGroup(i))
  if (!single.length) return { spec, said: 'A group is opened, not expanded', focus: [] }
  const rows = await select<{ other: string; matches: number }>(neighboursSql(w.flows, spec, single, grow), signal)
  const fresh = rows.map((r) => r.other)
  const all = Number(rows[0]?.matches ?? 0)
  const said = all > fresh.length ? `Expanded ${single[0]}: top ${fresh.length.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} neighbours by bytes` : `Expanded ${single[0]}: all ${fresh.length.toLocaleString('en-US')} neighbours`
  return { spec: add(add(spec, single), fresh, single[0]!), said, focus: [...single, ...fresh] }
}

export async function open(signal: AbortSignal, w: World, spec: Spec, group: string): Promise<Done> {
  const rows = await select<{ id: string; members: number }>(openSql(w.flows, spec, w.domain, group, MOST_FOUND), signal)
  const ids = rows.map((r) => r.id)
  const all = Number(rows[0]?.members ?? 0)
  return { spec: add(spec, ids, group), said: all > ids.length ? `The ${ids.length} busiest of ${all.toLocaleString()} addresses; the others stay in the group` : `Opened ${group.slice(GROUP.length)}: ${ids.length} addresses`, focus: ids }
}
/** Addresses of a group back into it. */
export const regroup = (spec: Spec, ids: string[], groupOf: (id: string) => string, all: string[]): Spec => {
  const groups = new Set(ids.map(groupOf))
  const gone = all.filter((i) => !isGroup(i) && groups.has(groupOf(i)))
  const kept = gone.reduce((s, g) => collapse(s, GROUP + groupOf(g)), spec)
  return { ...kept, hasGroups: true, nodes: kept.nodes.filter((n) => !gone.includes(n)) }
}

export interface PathAsk { hops: number; isOrdered: boolean; isDirected: boolean }
export async function path(signal: AbortSignal, w: World, spec: Spec, from: string, to: string, how: PathAsk): Promise<Done> {
  const rows = await select<{ hops: number; nodes: string[] }>(pathSql(w.flows, spec, from, to, how.hops, how.isOrdered, w.domain, how.isDirected), signal)
  const nodes = rows[0]?.nodes
  if (!nodes) return { spec: { ...spec, path: [] }, said: `No path of at most ${how.hops} hops from ${from} to ${to}${how.isOrdered ? ' whose hops follow in time' : ''}`, focus: [] }
  return { spec: { ...add(spec, nodes), path: nodes }, said: `${rows[0]!.hops} hop${rows[0]!.hops === 1 ? '' : 's'}: ${nodes.join(' → ')}`, focus: nodes }
}

const MOST_MEMBERS = 100000
/** The flows behind the edges that are shown between single nodes, as a file. */
export async function saveFlows(signal: AbortSignal, w: World, spec: Spec, shown: Visible, scene: Scene): Promise<string> {
  const edges = scene.edges.filter((e) => shown.edges.has(e.id) && !isGroup(e.s) && !isGroup(e.d))
  if (!edges.length) return 'No edge between single nodes is shown: open a group first'
  const flow = w.flows.find((f) => f.label === edges[0]!.label) ?? w.flows[0]!
  const mine = edges.filter((e) => e.label === flow.label)
  const r = await ask({ language: 'sql', text: flowsSql(flow, spec, { s: [...new Set(mine.map((e) => e.s))], d: [...new Set(mine.map((e) => e.d))] }, MOST_MEMBERS) }, signal)
  const [s, d] = [r.columns.findIndex((c) => c.name === flow.src), r.columns.findIndex((c) => c.name === flow.dst)]
  const pairs = new Set(mine.map((e) => `${keyOf(e.s)} ${keyOf(e.d)}`))
  const rows = r.rows.filter((row) => pairs.has(`${String(row[s])} ${String(row[d])}`))
  save('flows.csv', 'text/csv', toCsv(r.columns, rows))
  return `${rows.length.toLocaleString('en-US')} flows saved${r.count >= MOST_MEMBERS ? `, of the ${MOST_MEMBERS.toLocaleString('en-US')} with most bytes` : ''}`
}

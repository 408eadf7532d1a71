/** A scene in the graph languages, for people to go on with. */
import type { Flow } from './flow'
import { parsePorts, protocolNumber, type Spec } from './spec'

const MOST_IDS = 200
/** Scene names as ids: bare ones are of the main vertex label. */
const gremlinId = (i: string, main: string): string => (i.endsWith(']') ? `'${i}'` : `'${main}[${i}]'`)

function gremlinFilter(spec: Spec, flow: Flow): string {
  const ports = parsePorts(spec.filter.ports)
  const port = (c: string): string => `has('${c}', ${ports!.every(([a, b]) => a === b) ? `within(${ports!.map(([a]) => a).join(', ')})` : `between(${Math.min(...ports!.map(([a]) => a))}, ${Math.max(...ports!.map(([, b]) => b)) + 1})`})`
  return [
    spec.filter.action && flow.action ? `.has('${flow.action}', '${spec.filter.action}')` : '',
    ports?.length && flow.dstport ? (flow.srcport ? `.or(${port(flow.dstport)}, ${port(flow.srcport)})` : `.${port(flow.dstport)}`) : '',
    spec.filter.protocol && flow.protocol ? `.has('${flow.protocol}', ${protocolNumber(spec.filter.protocol)})` : '',
  ].join('')
}
/** The edges among the scene's single nodes, or the first of the labels when all is in groups. */
export function asGremlin(spec: Spec, flows: Flow[], main: string, ids: string[]): string {
  const names = flows.map((f) => `'${f.label}'`).join(', ')
  const has = gremlinFilter(spec, flows[0]!)
  if (!ids.length) return `g.E().hasLabel(${names})${has}.limit(1000)`
  const all = ids.slice(0, MOST_IDS).map((i) => gremlinId(i, main)).join(', ')
  return ids.length === 1 ? `g.V(${all}).bothE(${names})${has}.limit(1000)` : `g.V(${all}).outE(${names})${has}.where(inV().hasId(${all})).limit(1000)`
}
export function asCypher(spec: Spec, flows: Flow[], main: string, ids: string[]): string {
  const flow = flows[0]!
  const where: string[] = []
  const all = ids.slice(0, MOST_IDS).map((i) => gremlinId(i, main)).join(', ')
  if (ids.length === 1) where.push(`(id(a) = ${all} OR id(b) = ${all})`)
  else if (ids.length) where.push(`id(a) IN [${all}]`, `id(b) IN [${all}]`)
  if (spec.filter.action && flow.action) where.push(`e.${flow.action} = '${spec.filter.action}'`)
  const ports = parsePorts(spec.filter.ports)
  const port = (c: string): string => ports!.map(([a, b]) => (a === b ? `e.${c} = ${a}` : `e.${c} >= ${a} AND e.${c} <= ${b}`)).join(' OR ')
  if (ports?.length && flow.dstport) where.push(`(${port(flow.dstport)}${flow.srcport ? ` OR ${port(flow.srcport)}` : ''})`)
  if (spec.filter.protocol && flow.protocol) where.push(`e.${flow.protocol} = ${protocolNumber(spec.filter.protocol)}`)
  return `MATCH (a)-[e:${flows.map((f) => f.label).join('|')}]->(b)\n${where.length ? `WHERE ${where.join(' AND ')}\n` : ''}RETURN a, e, b LIMIT 1000`
}

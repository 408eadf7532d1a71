/** A scene as SQL over the tables behind its edge labels. All of a scene's numbers come from these texts. */
import { sqlName, sqlText } from '../api/query'
import { conditions, having, internalSql, list, netSql, sourceSql, targetSql, text, timeSql, type Flow } from './flow'
import { GROUP, MOST_NODES, type Spec } from './spec'

export const GROUPINGS: Record<string, string> = { network: 'Network (/24, outside /8)', wide: 'Wide network (/16)', az_id: 'Availability zone', subnet_id: 'Subnet', vpc_id: 'VPC', account_id: 'Account', region: 'Region', interface_id: 'Interface', instance_id: 'Instance' }
export const BUCKETS = 64

export interface Domain { from: number; to: number }
export const bucketSql = (flow: Flow, t: Domain): string =>
  flow.start ? `least(${BUCKETS - 1}, greatest(0, CAST(floor((${timeSql(flow)} - ${t.from}) * ${BUCKETS} / ${Math.max(1, t.to - t.from + 1)}) AS INTEGER)))` : '0'

const timed = (flows: Flow[]): Flow[] => flows.filter((f) => f.start)
export const domainSql = (flows: Flow[]): string =>
  `SELECT min(a) AS "from", max(b) AS "to" FROM (${timed(flows).map((f) => `SELECT min(${timeSql(f)}) AS a, max(${timeSql(f)}) AS b FROM ${f.table}`).join(' UNION ALL ')})`

function splitSql(flow: Flow, split: string): string {
  if (split === 'action' && flow.action) return sqlName(flow.action)
  if (split === 'protocol' && flow.protocol) return `CAST(${sqlName(flow.protocol)} AS VARCHAR)`
  if (split === 'port' && flow.dstport) return `CAST(${flow.srcport ? `least(${sqlName(flow.srcport)}, ${sqlName(flow.dstport)})` : sqlName(flow.dstport)} AS VARCHAR)`
  return "''"
}

function pairsOfSql(flow: Flow, spec: Spec, t: Domain): string {
  const rejected = flow.action ? `count(*) FILTER (${sqlName(flow.action)} = 'REJECT')` : '0'
  const [bytes, packets] = [flow.bytes ? `coalesce(sum(${sqlName(flow.bytes)}), 0)` : 'count(*)', flow.packets ? `coalesce(sum(${sqlName(flow.packets)}), 0)` : 'count(*)']
  const mask = (is: string, bit: string): string => (flow.start ? `bit_or(CASE WHEN ${is} THEN 1::BIGINT << (${bit}) ELSE 0 END)` : '4294967295::BIGINT')
  return `SELECT ${sourceSql(flow)} AS s, ${targetSql(flow)} AS d, ${sqlText(flow.label)} AS l, ${splitSql(flow, spec.split)} AS x, count(*) AS flows, CAST(${bytes} AS BIGINT) AS bytes, CAST(${packets} AS BIGINT) AS packets, ${rejected} AS rejected,
  ${mask('bucket < 32', 'bucket')} AS low, ${mask('bucket >= 32', 'bucket - 32')} AS high
  FROM (SELECT *, ${bucketSql(flow, t)} AS bucket FROM ${flow.table} WHERE ${conditions(flow, spec.filter).join(' AND ')}) GROUP BY 1, 2, 3, 4${having(spec.filter, bytes)}`
}
/** Distinct pairs with their sums, under the scene's filter: "s", "d", "l" (label), "x" (what they are split by), sums, time mask. */
export const pairsSql = (flows: Flow[], spec: Spec, t: Domain): string => `pairs AS MATERIALIZED (${flows.map((f) => pairsOfSql(f, spec, t)).join('\nUNION ALL ')})`

/** Addresses to what they are drawn as: themselves, or their group. */
export function memberSql(flows: Flow[], spec: Spec): string {
  const addresses = 'SELECT s AS a FROM pairs UNION SELECT d FROM pairs'
  const chosen = spec.nodes.length ? `q.a IN (${list(spec.nodes)})` : 'false'
  if (!spec.hasGroups && !spec.isAll) return `members AS (SELECT a, a AS node, '' AS grp FROM (${addresses}) q WHERE ${chosen})`
  const busiest = `busiest AS (SELECT a FROM (SELECT s AS a, bytes FROM pairs UNION ALL SELECT d, bytes FROM pairs) GROUP BY a ORDER BY sum(bytes) DESC, a LIMIT ${MOST_NODES}), `
  const single = spec.isAll ? `(${chosen} OR q.a IN (SELECT a FROM busiest))` : chosen
  const having = flows.filter((f) => f.columns.includes(spec.groupBy))
  const net = netSql('q.a', spec.groupBy === 'wide')
  if (!having.length || spec.groupBy === 'network') return `${spec.isAll ? busiest : ''}members AS (SELECT q.a, ${net} AS grp, CASE WHEN ${single} THEN q.a ELSE ${sqlText(GROUP)} || ${net} END AS node FROM (${addresses}) q)`
  const c = text(spec.groupBy)
  const owners = having.map((f) => {
    const from = `${f.table} WHERE ${conditions(f, spec.filter).join(' AND ')}`
    return `SELECT ${sourceSql(f)} AS a, ${c} AS g FROM ${from} UNION ALL SELECT ${targetSql(f)}, ${c} FROM ${from}`
  })
  return `${spec.isAll ? busiest : ''}owners AS (SELECT a, mode(g) AS g FROM (${owners.join(' UNION ALL ')}) WHERE g IS NOT NULL AND g <> '-' AND ${internalSql('a')} GROUP BY a),
members AS (SELECT q.a, coalesce(o.g, ${netSql('q.a', false)}) AS grp, CASE WHEN ${single} THEN q.a ELSE ${sqlText(GROUP)} || grp END AS node FROM (${addresses}) q LEFT JOIN owners o ON o.a = q.a)`
}

const mostNodes = (spec: Spec): number => (spec.isAll ? MOST_NODES + 2000 : Math.max(spec.limit, spec.nodes.length + (spec.hasGroups ? spec.limit : 0)))
const drawnSql = (flows: Flow[], spec: Spec, t: Domain): string => `WITH ${pairsSql(flows, spec, t)},
${memberSql(flows, spec)},
drawn AS MATERIALIZED (SELECT ms.node AS s, md.node AS d, l, x, sum(flows) AS flows, sum(bytes) AS bytes, sum(packets) AS packets, sum(rejected) AS rejected, bit_or(low) AS low, bit_or(high) AS high, count(*) AS pairs
  FROM pairs JOIN members ms ON ms.a = pairs.s JOIN members md ON md.a = pairs.d GROUP BY 1, 2, 3, 4),
nodes AS MATERIALIZED (SELECT id, sum(out) AS sent, sum(inn) AS received, sum(flows) AS flows, sum(rejected) AS rejected FROM (
  SELECT s AS id, bytes AS out, 0 AS inn, flows, rejected FROM drawn UNION ALL SELECT d, 0, bytes, flows, rejected FROM drawn) GROUP BY id),
shown AS MATERIALIZED (SELECT * FROM nodes ORDER BY ${spec.nodes.length && spec.nodes.length <= spec.limit * 4 ? `starts_with(id, ${sqlText(GROUP)}), ` : ''}sent + received DESC, id LIMIT ${mostNodes(spec)})`

export const nodesSql = (flows: Flow[], spec: Spec, t: Domain): string => `${drawnSql(flows, spec, t)},
ends AS (SELECT s AS a, d AS b FROM pairs WHERE s <> d UNION SELECT d, s FROM pairs WHERE s <> d),
degrees AS (SELECT a, count(*) AS degree FROM ends GROUP BY a)
SELECT shown.id, CAST(sent AS BIGINT) AS sent, CAST(received AS BIGINT) AS received, CAST(flows AS BIGINT) AS flows, CAST(rejected AS BIGINT) AS rejected, m.members, CAST(coalesce(m.degree, 0) AS BIGINT) AS degree, m.grp, (SELECT count(*) FROM nodes) AS all_nodes
FROM shown JOIN (SELECT node, count(*) AS members, sum(degree) AS degree, any_value(grp) AS grp FROM members LEFT JOIN degrees USING (a) GROUP BY node) m ON m.node = shown.id`

export const MOST_EDGES = 20000
export const edgesSql = (flows: Flow[], spec: Spec, t: Domain): string => `${drawnSql(flows, spec, t)}
SELECT s, d, l, x, CAST(flows AS BIGINT) AS flows, CAST(bytes AS BIGINT) AS bytes, CAST(packets AS BIGINT) AS packets, CAST(rejected AS BIGINT) AS rejected, low, high, pairs, count(*) OVER () AS all_edges
FROM drawn WHERE s IN (SELECT id FROM shown) AND d IN (SELECT id FROM shown) ORDER BY bytes DESC, s, d LIMIT ${MOST_EDGES}`

/** How much there is, with and without the filter. */
export const totalsSql = (flows: Flow[], spec: Spec, t: Domain): string => {
  const there = (f: Flow): string => `FROM ${f.table} WHERE ${sqlName(f.src)} IS NOT NULL AND ${sqlName(f.dst)} IS NOT NULL`
  return `WITH ${pairsSql(flows, { ...spec, split: '' }, t)}
SELECT (SELECT count(*) FROM pairs) AS pairs, (SELECT CAST(coalesce(sum(flows), 0) AS BIGINT) FROM pairs) AS flows, (SELECT count(*) FROM (SELECT s FROM pairs UNION SELECT d FROM pairs)) AS addresses,
${flows.map((f) => `(SELECT count(DISTINCT (${sqlName(f.src)}, ${sqlName(f.dst)})) ${there(f)})`).join(' + ')} AS all_pairs, ${flows.map((f) => `(SELECT count(*) FROM ${f.table})`).join(' + ')} AS all_flows`
}
/** Flows over time. */
export const histogramSql = (flows: Flow[], spec: Spec, t: Domain): string =>
  `SELECT bucket, sum(flows) AS flows, sum(rejected) AS rejected FROM (${timed(flows).map((f) => `SELECT ${bucketSql(f, t)} AS bucket, count(*) AS flows, ${f.action ? `count(*) FILTER (${sqlName(f.action)} = 'REJECT')` : '0'} AS rejected FROM ${f.table} WHERE ${conditions(f, spec.filter).join(' AND ')} GROUP BY 1`).join(' UNION ALL ')}) GROUP BY 1`

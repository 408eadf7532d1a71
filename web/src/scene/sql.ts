/** A scene as SQL over the tables behind an edge label. All of a scene's numbers come from these texts. */
import type { Source } from '../api/graph'
import { sqlName, sqlText } from '../api/query'
import { GROUP, parseBytes, parsePorts, protocolNumber, type Filter, type Spec } from './spec'

/** The columns of an edge table that have a meaning here; undefined where there is none. */
export interface Flow {
  table: string
  src: string
  dst: string
  bytes?: string
  packets?: string
  action?: string
  srcport?: string
  dstport?: string
  protocol?: string
  start?: string
  isEpoch: boolean
  columns: string[]
}
const NAMES: Record<string, string[]> = {
  bytes: ['bytes', 'num_bytes'], packets: ['packets', 'num_packets'], action: ['action'], srcport: ['srcport', 'src_port'],
  dstport: ['dstport', 'dst_port', 'destination_port'], protocol: ['protocol', 'proto'], start: ['start', 'start_time', 'event_time'],
}
export function flowOf(source: Source, columns: { name: string; type: string }[]): Flow {
  const find = (role: string): string | undefined => columns.find((c) => NAMES[role]!.includes(c.name.toLowerCase()))?.name
  const start = find('start')
  const flow: Flow = { table: source.table, src: source.from, dst: source.to, columns: columns.map((c) => c.name), isEpoch: /INT|LONG/i.test(columns.find((c) => c.name === start)?.type ?? '') }
  for (const role of ['bytes', 'packets', 'action', 'srcport', 'dstport', 'protocol', 'start'] as const) {
    const c = find(role)
    if (c) flow[role] = c
  }
  return flow
}

export const GROUPINGS: Record<string, string> = { network: 'Network (/24, outside /8)', wide: 'Wide network (/16)', az_id: 'Availability zone', subnet_id: 'Subnet', vpc_id: 'VPC', account_id: 'Account', region: 'Region', interface_id: 'Interface', instance_id: 'Instance' }
export const BUCKETS = 64

const text = (c: string): string => `CAST(${sqlName(c)} AS VARCHAR)`
const list = (ids: string[]): string => ids.map(sqlText).join(', ')
export const internalSql = (a: string): string => `regexp_matches(${a}, '^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|f[cd][0-9a-f]{2}:|fe80:)')`
const timeSql = (f: Flow): string => (!f.start ? '0' : f.isEpoch ? sqlName(f.start) : `epoch(${sqlName(f.start)})`)

export function netSql(a: string, isWide: boolean): string {
  const inside = isWide ? `regexp_extract(${a}, '^[0-9]+\\.[0-9]+') || '.0.0/16'` : `regexp_extract(${a}, '^[0-9]+\\.[0-9]+\\.[0-9]+') || '.0/24'`
  const v6 = `split_part(${a}, ':', 1) || ':' || split_part(${a}, ':', 2) || '::/32'`
  return `CASE WHEN contains(${a}, ':') THEN ${v6} WHEN regexp_matches(${a}, '^[0-9]+(\\.[0-9]+){3}$') THEN CASE WHEN ${internalSql(a)} THEN ${inside} ELSE split_part(${a}, '.', 1) || '.0.0.0/8' END ELSE 'others' END`
}

export function conditions(flow: Flow, filter: Filter): string[] {
  const where: string[] = [`${sqlName(flow.src)} IS NOT NULL`, `${sqlName(flow.dst)} IS NOT NULL`]
  const ports = parsePorts(filter.ports)
  if (ports?.length && flow.dstport) {
    const either = (c: string): string => ports.map(([a, b]) => (a === b ? `${sqlName(c)} = ${a}` : `${sqlName(c)} BETWEEN ${a} AND ${b}`)).join(' OR ')
    where.push(`(${either(flow.dstport)}${flow.srcport ? ` OR ${either(flow.srcport)}` : ''})`)
  }
  const protocol = protocolNumber(filter.protocol)
  if (filter.protocol && protocol !== undefined && flow.protocol) where.push(`${sqlName(flow.protocol)} = ${protocol}`)
  if (filter.action && flow.action) where.push(`${sqlName(flow.action)} = ${sqlText(filter.action)}`)
  const [s, d] = [internalSql(text(flow.src)), internalSql(text(flow.dst))]
  if (filter.direction === 'internal') where.push(`${s} AND ${d}`)
  if (filter.direction === 'outbound') where.push(`${s} AND NOT ${d}`)
  if (filter.direction === 'inbound') where.push(`NOT ${s} AND ${d}`)
  if (filter.direction === 'external') where.push(`NOT (${s} AND ${d})`)
  return where
}
/** Bounds on the bytes of a pair as a whole. */
function having(filter: Filter): string {
  const [low, high] = [parseBytes(filter.minBytes), parseBytes(filter.maxBytes)]
  const parts = [low === undefined ? '' : `bytes >= ${low}`, high === undefined ? '' : `bytes <= ${high}`].filter(Boolean)
  return parts.length ? ` HAVING ${parts.join(' AND ')}` : ''
}

export interface Domain { from: number; to: number }
const bucketSql = (flow: Flow, t: Domain): string =>
  flow.start ? `least(${BUCKETS - 1}, greatest(0, CAST(floor((${timeSql(flow)} - ${t.from}) * ${BUCKETS} / ${Math.max(1, t.to - t.from + 1)}) AS INTEGER)))` : '0'

export const domainSql = (f: Flow): string => `SELECT min(${timeSql(f)}) AS "from", max(${timeSql(f)}) AS "to" FROM ${f.table}`

function splitSql(flow: Flow, split: string): string {
  if (split === 'action' && flow.action) return sqlName(flow.action)
  if (split === 'protocol' && flow.protocol) return `CAST(${sqlName(flow.protocol)} AS VARCHAR)`
  if (split === 'port' && flow.dstport) return `CAST(${flow.srcport ? `least(${sqlName(flow.srcport)}, ${sqlName(flow.dstport)})` : sqlName(flow.dstport)} AS VARCHAR)`
  return "''"
}

/** Distinct pairs with their sums, under the scene's filter: "s", "d", "x" (what they are split by), sums, time mask. */
export function pairsSql(flow: Flow, spec: Spec, t: Domain): string {
  const rejected = flow.action ? `count(*) FILTER (${sqlName(flow.action)} = 'REJECT')` : '0'
  const [bytes, packets] = [flow.bytes ? `coalesce(sum(${sqlName(flow.bytes)}), 0)` : 'count(*)', flow.packets ? `coalesce(sum(${sqlName(flow.packets)}), 0)` : 'count(*)']
  return `flows AS (SELECT *, ${bucketSql(flow, t)} AS bucket FROM ${flow.table} WHERE ${conditions(flow, spec.filter).join(' AND ')}),
pairs AS (SELECT ${text(flow.src)} AS s, ${text(flow.dst)} AS d, ${splitSql(flow, spec.split)} AS x, count(*) AS flows, CAST(${bytes} AS BIGINT) AS bytes, CAST(${packets} AS BIGINT) AS packets, ${rejected} AS rejected,
  bit_or(CASE WHEN bucket < 32 THEN 1::BIGINT << bucket ELSE 0 END) AS low, bit_or(CASE WHEN bucket >= 32 THEN 1::BIGINT << (bucket - 32) ELSE 0 END) AS high
  FROM flows GROUP BY 1, 2, 3${having(spec.filter)})`
}

/** Addresses to what they are drawn as: themselves, or their group. */
function memberSql(flow: Flow, spec: Spec): string {
  const addresses = 'SELECT s AS a FROM pairs UNION SELECT d FROM pairs'
  const single = spec.nodes.length ? `a IN (${list(spec.nodes)})` : 'false'
  if (!spec.hasGroups) return `members AS (SELECT a, a AS node, '' AS grp FROM (${addresses}) WHERE ${single})`
  const isNet = spec.groupBy === 'network' || spec.groupBy === 'wide' || !flow.columns.includes(spec.groupBy)
  const net = netSql('a', spec.groupBy === 'wide')
  if (isNet) return `members AS (SELECT a, CASE WHEN ${single} THEN a ELSE ${sqlText(GROUP)} || ${net} END AS node, ${net} AS grp FROM (${addresses}))`
  const c = text(spec.groupBy)
  return `owners AS (SELECT a, mode(g) AS g FROM (SELECT ${text(flow.src)} AS a, ${c} AS g FROM flows UNION ALL SELECT ${text(flow.dst)}, ${c} FROM flows) WHERE g IS NOT NULL AND g <> '-' AND ${internalSql('a')} GROUP BY a),
members AS (SELECT q.a, coalesce(o.g, ${netSql('q.a', false)}) AS grp, CASE WHEN ${single.replace(/^a /, 'q.a ')} THEN q.a ELSE ${sqlText(GROUP)} || grp END AS node FROM (${addresses}) q LEFT JOIN owners o ON o.a = q.a)`
}

const drawnSql = (flow: Flow, spec: Spec, t: Domain): string => `WITH ${pairsSql(flow, spec, t)},
${memberSql(flow, spec)},
drawn AS (SELECT ms.node AS s, md.node AS d, x, sum(flows) AS flows, sum(bytes) AS bytes, sum(packets) AS packets, sum(rejected) AS rejected, bit_or(low) AS low, bit_or(high) AS high, count(*) AS pairs
  FROM pairs JOIN members ms ON ms.a = pairs.s JOIN members md ON md.a = pairs.d GROUP BY 1, 2, 3),
nodes AS (SELECT id, sum(out) AS sent, sum(inn) AS received, sum(flows) AS flows, sum(rejected) AS rejected FROM (
  SELECT s AS id, bytes AS out, 0 AS inn, flows, rejected FROM drawn UNION ALL SELECT d, 0, bytes, flows, rejected FROM drawn) GROUP BY id),
shown AS (SELECT * FROM nodes ORDER BY ${spec.nodes.length && spec.nodes.length <= spec.limit * 4 ? `starts_with(id, ${sqlText(GROUP)}), ` : ''}sent + received DESC LIMIT ${Math.max(spec.limit, spec.nodes.length + (spec.hasGroups ? spec.limit : 0))})`

export const nodesSql = (flow: Flow, spec: Spec, t: Domain): string => `${drawnSql(flow, spec, t)},
ends AS (SELECT s AS a, d AS b FROM pairs UNION SELECT d, s FROM pairs),
degrees AS (SELECT a, count(*) AS degree FROM ends GROUP BY a)
SELECT shown.id, CAST(sent AS BIGINT) AS sent, CAST(received AS BIGINT) AS received, CAST(flows AS BIGINT) AS flows, CAST(rejected AS BIGINT) AS rejected, m.members, CAST(m.degree AS BIGINT) AS degree, m.grp, (SELECT count(*) FROM nodes) AS all_nodes
FROM shown JOIN (SELECT node, count(*) AS members, sum(degree) AS degree, any_value(grp) AS grp FROM members LEFT JOIN degrees USING (a) GROUP BY node) m ON m.node = shown.id`

export const MOST_EDGES = 40000
export const edgesSql = (flow: Flow, spec: Spec, t: Domain): string => `${drawnSql(flow, spec, t)}
SELECT s, d, x, CAST(flows AS BIGINT) AS flows, CAST(bytes AS BIGINT) AS bytes, CAST(packets AS BIGINT) AS packets, CAST(rejected AS BIGINT) AS rejected, low, high, pairs
FROM drawn WHERE s IN (SELECT id FROM shown) AND d IN (SELECT id FROM shown) ORDER BY bytes DESC LIMIT ${MOST_EDGES}`

/** How much there is, with and without the filter, and flows over time. */
export const totalsSql = (flow: Flow, spec: Spec, t: Domain): string => `WITH ${pairsSql(flow, { ...spec, split: '' }, t)}
SELECT (SELECT count(*) FROM pairs) AS pairs, (SELECT CAST(sum(flows) AS BIGINT) FROM pairs) AS flows, (SELECT count(*) FROM (SELECT s FROM pairs UNION SELECT d FROM pairs)) AS addresses,
(SELECT count(DISTINCT (${sqlName(flow.src)}, ${sqlName(flow.dst)})) FROM ${flow.table} WHERE ${sqlName(flow.src)} IS NOT NULL AND ${sqlName(flow.dst)} IS NOT NULL) AS all_pairs, (SELECT count(*) FROM ${flow.table}) AS all_flows`
export const histogramSql = (flow: Flow, spec: Spec, t: Domain): string =>
  `SELECT ${bucketSql(flow, t)} AS bucket, count(*) AS flows, ${flow.action ? `count(*) FILTER (${sqlName(flow.action)} = 'REJECT')` : '0'} AS rejected FROM ${flow.table} WHERE ${conditions(flow, spec.filter).join(' AND ')} GROUP BY 1`

export interface Grow { direction: 'both' | 'out' | 'in'; ports: string; action: string; minBytes: string; limit: number }
const growBase = (flow: Flow, spec: Spec, ids: string[], grow: Grow): { where: string; out: string; into: string } => {
  const filter = { ...spec.filter, ...(grow.ports ? { ports: grow.ports } : {}), ...(grow.action ? { action: grow.action } : {}) }
  const where = conditions(flow, filter).join(' AND ')
  const bytes = flow.bytes ? sqlName(flow.bytes) : '1'
  return {
    where,
    out: `SELECT ${text(flow.dst)} AS other, ${bytes} AS bytes, true AS is_out FROM ${flow.table} WHERE ${text(flow.src)} IN (${list(ids)}) AND ${where}`,
    into: `SELECT ${text(flow.src)} AS other, ${bytes} AS bytes, false AS is_out FROM ${flow.table} WHERE ${text(flow.dst)} IN (${list(ids)}) AND ${where}`,
  }
}
export function neighboursSql(flow: Flow, spec: Spec, ids: string[], grow: Grow): string {
  const b = growBase(flow, spec, ids, grow)
  const from = grow.direction === 'out' ? b.out : grow.direction === 'in' ? b.into : `${b.out} UNION ALL ${b.into}`
  const least = parseBytes(grow.minBytes)
  return `SELECT other, CAST(sum(bytes) AS BIGINT) AS bytes, count(*) AS flows FROM (${from}) WHERE other NOT IN (${list(ids)}) GROUP BY other${least === undefined ? '' : ` HAVING sum(bytes) >= ${least}`} ORDER BY 2 DESC LIMIT ${grow.limit}`
}
export function neighbourCountsSql(flow: Flow, spec: Spec, ids: string[], grow: Grow): string {
  const b = growBase(flow, spec, ids, grow)
  return `SELECT count(DISTINCT other) FILTER (is_out) AS outgoing, count(DISTINCT other) FILTER (NOT is_out) AS incoming, count(*) FILTER (is_out) AS out_flows, count(*) FILTER (NOT is_out) AS in_flows FROM (${b.out} UNION ALL ${b.into})`
}
/** The addresses of a group, the busiest first. */
export const openSql = (flow: Flow, spec: Spec, t: Domain, group: string, limit: number): string =>
  `WITH ${pairsSql(flow, spec, t)}, ${memberSql(flow, spec)} SELECT a AS id, count(*) OVER () AS members FROM members JOIN (SELECT s AS a, bytes FROM pairs UNION ALL SELECT d, bytes FROM pairs) USING (a) WHERE node = ${sqlText(group)} GROUP BY a ORDER BY sum(bytes) DESC LIMIT ${limit}`

/** "10.0.3.0/24" → a regular expression where the prefix ends at a dot, else the 32-bit range. */
export function cidrSql(a: string, cidr: string): string | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr)
  if (!m) return undefined
  const octets = m.slice(1, 5).map(Number)
  const bits = Number(m[5])
  if (octets.some((o) => o > 255) || bits > 32) return undefined
  const base = octets.reduce((n, o) => n * 256 + o, 0)
  const size = 2 ** (32 - bits)
  const from = Math.floor(base / size) * size
  const number = [1, 2, 3, 4].map((i) => `CAST(split_part(${a}, '.', ${i}) AS BIGINT) * ${256 ** (4 - i)}`).join(' + ')
  return `CASE WHEN regexp_matches(${a}, '^[0-9]+(\\.[0-9]+){3}$') THEN ${number} BETWEEN ${from} AND ${from + size - 1} ELSE false END`
}
/** What a search finds, as addresses with their bytes: an address, a CIDR, ":port", an interface, instance, subnet, account. */
export function findSql(flow: Flow, what: string, limit: number): string {
  const w = what.trim()
  const bytes = flow.bytes ? sqlName(flow.bytes) : '1'
  const ends = (where: (a: string) => string): string =>
    `SELECT id, CAST(sum(bytes) AS BIGINT) AS bytes, count(*) OVER () AS matches FROM (SELECT ${text(flow.src)} AS id, ${bytes} AS bytes FROM ${flow.table} WHERE ${where(text(flow.src))} UNION ALL SELECT ${text(flow.dst)}, ${bytes} FROM ${flow.table} WHERE ${where(text(flow.dst))}) WHERE id IS NOT NULL GROUP BY id ORDER BY 2 DESC LIMIT ${limit}`
  const port = /^:(\d{1,5})$/.exec(w)
  if (port && flow.dstport) return ends(() => `${sqlName(flow.dstport!)} = ${port[1]}`)
  if (cidrSql('x', w)) return ends((a) => cidrSql(a, w)!)
  const isName = /^(eni|i|subnet|vpc)-|^\d{12}$|^[a-z]{2,5}\d-az\d$/i.test(w)
  if (isName) {
    const columns = flow.columns.filter((c) => ['interface_id', 'instance_id', 'subnet_id', 'vpc_id', 'account_id', 'az_id'].includes(c))
    const where = columns.map((c) => `${text(c)} = ${sqlText(w)}`).join(' OR ') || 'false'
    return ends((a) => `(${where}) AND ${internalSql(a)}`)
  }
  return /[:.]/.test(w) && !w.endsWith('.') ? ends((a) => `${a} = ${sqlText(w)}`) : ends((a) => `starts_with(${a}, ${sqlText(w)})`)
}

/** The flows of an edge or a node, to read. */
export function flowsSql(flow: Flow, spec: Spec, ends: { s?: string[]; d?: string[]; either?: string[] }, limit: number): string {
  const where = conditions(flow, spec.filter)
  if (ends.s) where.push(`${text(flow.src)} IN (${list(ends.s)})`)
  if (ends.d) where.push(`${text(flow.dst)} IN (${list(ends.d)})`)
  if (ends.either) where.push(`(${text(flow.src)} IN (${list(ends.either)}) OR ${text(flow.dst)} IN (${list(ends.either)}))`)
  const columns = [flow.start, flow.src, flow.srcport, flow.dst, flow.dstport, flow.protocol, flow.packets, flow.bytes, flow.action].filter((c): c is string => Boolean(c))
  return `SELECT ${columns.map(sqlName).join(', ')}\nFROM ${flow.table}\nWHERE ${where.join('\n  AND ')}\n${flow.bytes ? `ORDER BY ${sqlName(flow.bytes)} DESC ` : ''}LIMIT ${limit}`
}

/** A shortest path of at most `hops` flows, as rows (depth, node); with `isOrdered` no hop starts before the one before it. */
export function pathSql(flow: Flow, spec: Spec, from: string, to: string, hops: number, isOrdered: boolean, t: Domain, isDirected: boolean): string {
  const time = timeSql(flow)
  const bucket = bucketSql(flow, t)
  const where = [...conditions(flow, spec.filter), ...(spec.time[0] > 0 || spec.time[1] < BUCKETS - 1 ? [`${bucket} BETWEEN ${spec.time[0]} AND ${spec.time[1]}`] : [])].join(' AND ')
  const one = `SELECT ${text(flow.src)} AS s, ${text(flow.dst)} AS d, ${isOrdered ? time : '0'} AS t FROM ${flow.table} WHERE ${where}`
  const both = isDirected ? one : `${one} UNION ALL SELECT ${text(flow.dst)}, ${text(flow.src)}, ${isOrdered ? time : '0'} FROM ${flow.table} WHERE ${where}`
  const parts = [`hop AS MATERIALIZED (SELECT DISTINCT s, d, t FROM (${both}))`, `l0 AS MATERIALIZED (SELECT ${sqlText(from)} AS node, '' AS prev, -1e18::DOUBLE AS t)`]
  for (let i = 1; i <= hops; i++) {
    const seen = isOrdered ? '' : ` AND NOT EXISTS (SELECT 1 FROM (${Array.from({ length: i }, (_, k) => `SELECT node FROM l${k}`).join(' UNION ALL ')}) z WHERE z.node = d)`
    parts.push(`l${i} AS MATERIALIZED (SELECT d AS node, arg_min(s, hop.t) AS prev, CAST(min(hop.t) AS DOUBLE) AS t FROM hop JOIN l${i - 1} p ON p.node = hop.s AND hop.t >= p.t WHERE p.node <> ${sqlText(to)}${seen} GROUP BY d)`)
  }
  const ways = Array.from({ length: hops }, (_, k) => k + 1).map((n) => {
    const joins = Array.from({ length: n - 1 }, (_, k) => n - 1 - k).map((i) => ` JOIN l${i} ON l${i}.node = l${i + 1}.prev`).join('')
    return `SELECT ${n} AS hops, [${[`'${from.replaceAll("'", "''")}'`, ...Array.from({ length: n }, (_, k) => `l${k + 1}.node`)].join(', ')}] AS nodes FROM l${n}${joins} WHERE l${n}.node = ${sqlText(to)}`
  })
  return `WITH ${parts.join(',\n')}\n${ways.join('\nUNION ALL ')}\nORDER BY hops LIMIT 1`
}

/** The same scene in the graph languages, for people to go on with. */
export function asGremlin(spec: Spec, vertex: string, ids: string[], flow: Flow): string {
  const start = ids.length ? `g.V(${ids.slice(0, 200).map((i) => `'${vertex}:::${i}'`).join(', ')})` : `g.V().hasLabel('${vertex}')`
  const ports = parsePorts(spec.filter.ports)
  const has = [
    spec.filter.action && flow.action ? `.has('${flow.action}', '${spec.filter.action}')` : '',
    ports?.length && flow.dstport ? `.has('${flow.dstport}', ${ports.every(([a, b]) => a === b) ? `within(${ports.map(([a]) => a).join(', ')})` : `between(${Math.min(...ports.map(([a]) => a))}, ${Math.max(...ports.map(([, b]) => b)) + 1})`})` : '',
    spec.filter.protocol && flow.protocol ? `.has('${flow.protocol}', ${protocolNumber(spec.filter.protocol)})` : '',
  ].join('')
  return `${start}.outE('${spec.edge}')${has}.limit(1000)`
}
export function asCypher(spec: Spec, vertex: string, ids: string[], flow: Flow): string {
  const where: string[] = []
  if (ids.length) where.push(`id(a) IN [${ids.slice(0, 200).map((i) => `'${vertex}[${i}]'`).join(', ')}]`)
  if (spec.filter.action && flow.action) where.push(`e.${flow.action} = '${spec.filter.action}'`)
  const ports = parsePorts(spec.filter.ports)
  if (ports?.length && flow.dstport) where.push(`(${ports.map(([a, b]) => (a === b ? `e.${flow.dstport} = ${a}` : `e.${flow.dstport} >= ${a} AND e.${flow.dstport} <= ${b}`)).join(' OR ')})`)
  if (spec.filter.protocol && flow.protocol) where.push(`e.${flow.protocol} = ${protocolNumber(spec.filter.protocol)}`)
  return `MATCH (a:${vertex})-[e:${spec.edge}]->(b)\n${where.length ? `WHERE ${where.join(' AND ')}\n` : ''}RETURN a, e, b LIMIT 1000`
}

/** What an analyst asks of a scene, as SQL: neighbours, members of a group, finds, paths, the flows themselves. */
import { sqlName, sqlText } from '../api/query'
import { bytesSql, conditions, internalSql, isEnd, sourceSql, targetSql, text, timeSql, type Flow } from './flow'
import { bucketSql, BUCKETS, memberSql, pairsSql, type Domain } from './sql'
import { parseBytes, type Spec } from './spec'

export interface Grow { direction: 'both' | 'out' | 'in'; label: string; ports: string; action: string; minBytes: string; limit: number }
/** Flows from and to the given nodes: other end, bytes, direction, label. */
function growSql(flows: Flow[], spec: Spec, ids: string[], grow: Grow, direction: Grow['direction']): string {
  const filter = { ...spec.filter, ...(grow.ports ? { ports: grow.ports } : {}), ...(grow.action ? { action: grow.action } : {}) }
  return flows.filter((f) => !grow.label || f.label === grow.label).flatMap((f) => {
    const where = conditions(f, filter).join(' AND ')
    const out = `SELECT ${targetSql(f)} AS other, ${bytesSql(f)} AS bytes, true AS is_out, ${sqlText(f.label)} AS l FROM ${f.table} WHERE ${isEnd(f.src, f.srcLabel, ids)} AND ${where}`
    const into = `SELECT ${sourceSql(f)} AS other, ${bytesSql(f)} AS bytes, false AS is_out, ${sqlText(f.label)} AS l FROM ${f.table} WHERE ${isEnd(f.dst, f.dstLabel, ids)} AND ${where}`
    return direction === 'out' ? [out] : direction === 'in' ? [into] : [out, into]
  }).join(' UNION ALL ')
}
export function neighboursSql(flows: Flow[], spec: Spec, ids: string[], grow: Grow): string {
  const least = parseBytes(grow.minBytes)
  return `SELECT other, CAST(sum(bytes) AS BIGINT) AS bytes, count(*) AS flows, count(*) OVER () AS matches FROM (${growSql(flows, spec, ids, grow, grow.direction)}) WHERE other NOT IN (${ids.map(sqlText).join(', ')}) GROUP BY other${least === undefined ? '' : ` HAVING sum(bytes) >= ${least}`} ORDER BY 2 DESC, 1 LIMIT ${grow.limit}`
}
/** Neighbours of each label and direction, with the flows behind them. */
export const neighbourCountsSql = (flows: Flow[], spec: Spec, ids: string[], grow: Grow): string =>
  `SELECT l AS label, is_out, count(DISTINCT other) AS neighbours, count(*) AS flows FROM (${growSql(flows, spec, ids, { ...grow, label: '' }, 'both')}) WHERE other NOT IN (${ids.map(sqlText).join(', ')}) GROUP BY 1, 2`

/** The addresses of a group, the busiest first. */
export const openSql = (flows: Flow[], spec: Spec, t: Domain, group: string, limit: number): string =>
  `WITH ${pairsSql(flows, spec, t)}, ${memberSql(flows, spec)} SELECT a AS id, count(*) OVER () AS members FROM members JOIN (SELECT s AS a, bytes FROM pairs UNION ALL SELECT d, bytes FROM pairs) USING (a) WHERE node = ${sqlText(group)} GROUP BY a ORDER BY sum(bytes) DESC, a LIMIT ${limit}`

/** "10.0.3.0/24" → a comparison of 32-bit numbers; undefined when it is no IPv4 network. */
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

const OWNERS = ['interface_id', 'instance_id', 'subnet_id', 'vpc_id', 'account_id', 'az_id']
const isOwner = (w: string): boolean => /^(eni|i|subnet|vpc)-|^\d{12}$|^[a-z]{2,5}\d-az\d$/i.test(w)
/** What a search finds, as addresses with their bytes: an address, a CIDR, ":port", an interface, instance, subnet, account. */
export function findSql(flows: Flow[], what: string, limit: number): string {
  const w = what.trim()
  const port = /^:(\d{1,5})$/.exec(w)
  const test = (f: Flow, end: string): string => {
    if (port) return f.dstport ? `${sqlName(f.dstport)} = ${port[1]}` : 'false'
    if (cidrSql('x', w)) return cidrSql(end, w)!
    if (isOwner(w)) return `(${f.columns.filter((c) => OWNERS.includes(c)).map((c) => `${text(c)} = ${sqlText(w)}`).join(' OR ') || 'false'}) AND ${internalSql(end)}`
    return /[:.]/.test(w) && !w.endsWith('.') ? `${end} = ${sqlText(w)}` : `starts_with(${end}, ${sqlText(w)})`
  }
  const ends = flows.flatMap((f) => [`SELECT ${sourceSql(f)} AS id, ${bytesSql(f)} AS bytes FROM ${f.table} WHERE ${test(f, text(f.src))}`, `SELECT ${targetSql(f)}, ${bytesSql(f)} FROM ${f.table} WHERE ${test(f, text(f.dst))}`])
  return `SELECT id, CAST(sum(bytes) AS BIGINT) AS bytes, count(*) OVER () AS matches FROM (${ends.join(' UNION ALL ')}) WHERE id IS NOT NULL GROUP BY id ORDER BY 2 DESC, 1 LIMIT ${limit}`
}

/** The flows of an edge or a node, to read. */
export function flowsSql(flow: Flow, spec: Spec, ends: { s?: string[]; d?: string[]; either?: string[] }, limit: number): string {
  const where = conditions(flow, spec.filter)
  if (ends.s) where.push(isEnd(flow.src, flow.srcLabel, ends.s))
  if (ends.d) where.push(isEnd(flow.dst, flow.dstLabel, ends.d))
  if (ends.either) where.push(`(${isEnd(flow.src, flow.srcLabel, ends.either)} OR ${isEnd(flow.dst, flow.dstLabel, ends.either)})`)
  const columns = [flow.start, flow.src, flow.srcport, flow.dst, flow.dstport, flow.protocol, flow.packets, flow.bytes, flow.action].filter((c): c is string => Boolean(c))
  return `SELECT ${columns.map(sqlName).join(', ')}\nFROM ${flow.table}\nWHERE ${where.join('\n  AND ')}\n${flow.bytes ? `ORDER BY ${sqlName(flow.bytes)} DESC ` : ''}LIMIT ${limit}`
}

/** A shortest path of at most `hops` flows, as rows (depth, node); with `isOrdered` no hop starts before the one before it. */
export function pathSql(flows: Flow[], spec: Spec, from: string, to: string, hops: number, isOrdered: boolean, t: Domain, isDirected: boolean): string {
  const isWindow = spec.time[0] > 0 || spec.time[1] < BUCKETS - 1
  const steps = flows.flatMap((f) => {
    const where = [...conditions(f, spec.filter), ...(isWindow && f.start ? [`${bucketSql(f, t)} BETWEEN ${spec.time[0]} AND ${spec.time[1]}`] : [])].join(' AND ')
    const one = (a: string, b: string): string => `SELECT ${a} AS s, ${b} AS d, ${isOrdered ? timeSql(f) : '0'} AS t FROM ${f.table} WHERE ${where}`
    return isDirected ? [one(sourceSql(f), targetSql(f))] : [one(sourceSql(f), targetSql(f)), one(targetSql(f), sourceSql(f))]
  })
  const parts = [`hop AS MATERIALIZED (SELECT DISTINCT s, d, t FROM (${steps.join(' UNION ALL ')}))`, `l0 AS MATERIALIZED (SELECT ${sqlText(from)} AS node, '' AS prev, -1e18::DOUBLE AS t)`]
  for (let i = 1; i <= hops; i++) {
    const seen = isOrdered ? '' : ` AND NOT EXISTS (SELECT 1 FROM (${Array.from({ length: i }, (_, k) => `SELECT node FROM l${k}`).join(' UNION ALL ')}) z WHERE z.node = d)`
    parts.push(`l${i} AS MATERIALIZED (SELECT d AS node, arg_min(s, hop.t) AS prev, CAST(min(hop.t) AS DOUBLE) AS t FROM hop JOIN l${i - 1} p ON p.node = hop.s AND hop.t >= p.t WHERE p.node <> ${sqlText(to)}${seen} GROUP BY d)`)
  }
  const ways = Array.from({ length: hops }, (_, k) => k + 1).map((n) => {
    const joins = Array.from({ length: n - 1 }, (_, k) => n - 1 - k).map((i) => ` JOIN l${i} ON l${i}.node = l${i + 1}.prev`).join('')
    return `SELECT ${n} AS hops, [${[sqlText(from), ...Array.from({ length: n }, (_, k) => `l${k + 1}.node`)].join(', ')}] AS nodes FROM l${n}${joins} WHERE l${n}.node = ${sqlText(to)}`
  })
  return `WITH ${parts.join(',\n')}\n${ways.join('\nUNION ALL ')}\nORDER BY hops LIMIT 1`
}

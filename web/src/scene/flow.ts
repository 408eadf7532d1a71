/** Edge labels as flows: which table and columns stand behind each, and how their ends are called in a scene. */
import type { Source } from '../api/graph'
import { sqlName, sqlText } from '../api/query'
import { parseBytes, parsePorts, protocolNumber, type Filter } from './spec'

/** The columns of an edge table that have a meaning here; undefined where there is none. */
export interface Flow {
  label: string
  table: string
  src: string
  dst: string
  /** What stands before and after a key so that keys of two vertex labels differ; empty for the scene's first label. */
  srcLabel: string
  dstLabel: string
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
/** `main` is the vertex label whose keys are written bare: addresses. */
export function flowOf(label: string, source: Source, main: string, columns: { name: string; type: string }[]): Flow {
  const find = (role: string): string | undefined => columns.find((c) => NAMES[role]!.includes(c.name.toLowerCase()))?.name
  const start = find('start')
  const other = (of: string): string => (of === main ? '' : of)
  const flow: Flow = {
    label, table: source.table, src: source.from, dst: source.to, srcLabel: other(source.fromLabel), dstLabel: other(source.toLabel),
    columns: columns.map((c) => c.name), isEpoch: /INT|LONG/i.test(columns.find((c) => c.name === start)?.type ?? ''),
  }
  for (const role of ['bytes', 'packets', 'action', 'srcport', 'dstport', 'protocol', 'start'] as const) {
    const c = find(role)
    if (c) flow[role] = c
  }
  return flow
}

export const text = (c: string): string => `CAST(${sqlName(c)} AS VARCHAR)`
export const list = (ids: string[]): string => ids.map(sqlText).join(', ')
const end = (c: string, label: string): string => (label ? `${sqlText(`${label}[`)} || ${text(c)} || ']'` : text(c))
/** An end of a flow as the scene names it. */
export const sourceSql = (f: Flow): string => end(f.src, f.srcLabel)
export const targetSql = (f: Flow): string => end(f.dst, f.dstLabel)
/** Scene names as the keys that a column holds, for conditions that the table's statistics can serve. */
export function keysFor(ids: string[], label: string): string[] {
  if (!label) return ids.filter((i) => !i.endsWith(']'))
  return ids.filter((i) => i.startsWith(`${label}[`)).map((i) => i.slice(label.length + 1, -1))
}
export const isEnd = (c: string, label: string, ids: string[]): string => {
  const keys = keysFor(ids, label)
  return keys.length ? `${text(c)} IN (${list(keys)})` : 'false'
}

export const internalSql = (a: string): string => `regexp_matches(${a}, '^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|f[cd][0-9a-f]{2}:|fe80:)')`
export const timeSql = (f: Flow): string => (!f.start ? '0' : f.isEpoch ? sqlName(f.start) : `epoch(${sqlName(f.start)})`)
export const bytesSql = (f: Flow): string => (f.bytes ? sqlName(f.bytes) : '1')

export function netSql(a: string, isWide: boolean): string {
  const inside = isWide ? `regexp_extract(${a}, '^[0-9]+\\.[0-9]+') || '.0.0/16'` : `regexp_extract(${a}, '^[0-9]+\\.[0-9]+\\.[0-9]+') || '.0/24'`
  const v6 = `split_part(${a}, ':', 1) || ':' || split_part(${a}, ':', 2) || '::/32'`
  return `CASE WHEN contains(${a}, '[') THEN split_part(${a}, '[', 1) WHEN contains(${a}, ':') THEN ${v6} WHEN regexp_matches(${a}, '^[0-9]+(\\.[0-9]+){3}$') THEN CASE WHEN ${internalSql(a)} THEN ${inside} ELSE split_part(${a}, '.', 1) || '.0.0.0/8' END ELSE 'others' END`
}

/** A filter holds for the labels that have the column it asks about. */
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
export function having(filter: Filter, bytes: string): string {
  const [low, high] = [parseBytes(filter.minBytes), parseBytes(filter.maxBytes)]
  const parts = [low === undefined ? '' : `${bytes} >= ${low}`, high === undefined ? '' : `${bytes} <= ${high}`].filter(Boolean)
  return parts.length ? ` HAVING ${parts.join(' AND ')}` : ''
}

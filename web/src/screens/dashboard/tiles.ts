/** Tiles: a question in some language and the way its answer is shown. */
import type { Language } from '../../api/query'
import type { Flow } from '../../scene/flow'
import { sqlName } from '../../api/query'

export type TileKind = 'number' | 'line' | 'bars' | 'table' | 'graph' | 'text'
export interface Tile { id: string; name: string; kind: TileKind; language: Language; text: string; wide?: boolean; unit?: string }
export interface Board { tiles: Tile[]; refreshSeconds: number }

/** By minutes, hours or days, as long as the logs are. */
const overTime = (table: string, time: string, rejected: string): string => `WITH f AS (SELECT ${time} AS t, ${rejected} AS is_rejected FROM ${table}),
  s AS (SELECT CASE WHEN max(t) - min(t) < INTERVAL 6 HOUR THEN INTERVAL 1 MINUTE WHEN max(t) - min(t) < INTERVAL 10 DAY THEN INTERVAL 1 HOUR ELSE INTERVAL 1 DAY END AS step FROM f)
SELECT time_bucket(step, t) AS time, count(*) AS flows, count(*) FILTER (is_rejected) AS rejected FROM f, s GROUP BY 1 ORDER BY 1`

/** What is worth watching in any flow logs. */
export function firstBoard(flow: Flow | undefined): Board {
  if (!flow) return { refreshSeconds: 30, tiles: [{ id: 'jobs', name: 'Jobs', kind: 'table', language: 'sql', text: 'SELECT job_name, status, rows, lag_s FROM system.monitoring.jobs', wide: true }] }
  const [t, s, d] = [flow.table, sqlName(flow.src), sqlName(flow.dst)]
  const bytes = flow.bytes ? `CAST(sum(${sqlName(flow.bytes)}) AS BIGINT)` : 'count(*)'
  const time = flow.start ? (flow.isEpoch ? `to_timestamp(${sqlName(flow.start)})` : sqlName(flow.start)) : ''
  const rejected = flow.action ? `${sqlName(flow.action)} = 'REJECT'` : 'false'
  const outside = `NOT regexp_matches(CAST(${d} AS VARCHAR), '^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)')`
  const tile = (id: string, name: string, kind: TileKind, text: string, more: Partial<Tile> = {}): Tile => ({ id, name, kind, language: 'sql', text, ...more })
  return {
    refreshSeconds: 30,
    tiles: [
      tile('flows', 'Flows', 'number', `SELECT count(*) FROM ${t}`),
      tile('bytes', 'Bytes', 'number', `SELECT ${bytes} FROM ${t}`, { unit: 'bytes' }),
      ...(flow.action ? [tile('reject', 'Rejected', 'number', `SELECT round(100.0 * count(*) FILTER (${rejected}) / count(*), 1) FROM ${t}`, { unit: '%' })] : []),
      { id: 'v', name: 'Vertices', kind: 'number', language: 'gremlin', text: 'g.V().count()' },
      { id: 'e', name: 'Edges', kind: 'number', language: 'cypher', text: 'MATCH ()-[e]->() RETURN count(e) AS edges' },
      tile('lag', 'Jobs failing', 'number', `SELECT count(*) FROM system.monitoring.jobs WHERE status = 'FAILING'`),
      ...(time ? [tile('time', 'Flows and rejects over time', 'line', overTime(t, time, rejected), { wide: true })] : []),
      ...(flow.action && flow.dstport ? [tile('ports', 'Top rejected ports', 'bars', `SELECT CAST(${sqlName(flow.dstport)} AS VARCHAR) AS port, count(*) AS flows FROM ${t} WHERE ${rejected} GROUP BY 1 ORDER BY 2 DESC LIMIT 10`)] : []),
      tile('talkers', 'Top talkers', 'bars', `SELECT CAST(${s} AS VARCHAR) AS sender, ${bytes} AS bytes FROM ${t} GROUP BY 1 ORDER BY 2 DESC LIMIT 10`, { unit: 'bytes' }),
      ...(flow.action && flow.dstport ? [tile('scans', 'Scan suspects', 'table', `SELECT CAST(${s} AS VARCHAR) AS source, CAST(${d} AS VARCHAR) AS target, count(DISTINCT ${sqlName(flow.dstport)}) AS ports, count(*) AS flows FROM ${t} WHERE ${rejected} GROUP BY 1, 2 HAVING ports >= 20 ORDER BY ports DESC LIMIT 20`)] : []),
      ...(flow.bytes ? [tile('exfil', 'Most sent outside', 'table', `SELECT CAST(${s} AS VARCHAR) AS source, CAST(${d} AS VARCHAR) AS target, ${bytes} AS bytes, count(*) AS flows FROM ${t} WHERE ${outside} GROUP BY 1, 2 ORDER BY bytes DESC LIMIT 20`)] : []),
      ...(time ? [tile('peers', 'New external peers', 'table', `SELECT CAST(${d} AS VARCHAR) AS peer, min(${time}) AS first_seen, count(*) AS flows FROM ${t} WHERE ${outside} GROUP BY 1 HAVING first_seen > (SELECT max(${time}) FROM ${t}) - INTERVAL 24 HOUR ORDER BY first_seen DESC LIMIT 50`)] : []),
      ...(flow.action ? [tile('brute', 'Brute force suspects', 'table', `SELECT CAST(${s} AS VARCHAR) AS source, CAST(${d} AS VARCHAR) AS target, count(*) FILTER (${rejected}) AS refused, count(*) FILTER (NOT (${rejected})) AS accepted FROM ${t} WHERE ${flow.dstport ? `${sqlName(flow.dstport)} IN (22, 3389)` : 'true'} GROUP BY 1, 2 HAVING refused >= 20 ORDER BY refused DESC LIMIT 20`)] : []),
      tile('jobs', 'Jobs', 'table', 'SELECT job_name, status, rows, rows_per_second, lag_s, files_pending, last_commit FROM system.monitoring.jobs', { wide: true }),
    ],
  }
}

export function adoptBoard(o: unknown): Board | undefined {
  const b = o as Partial<Board> | undefined
  if (!b || !Array.isArray(b.tiles)) return undefined
  const kinds = ['number', 'line', 'bars', 'table', 'graph', 'text']
  const tiles = b.tiles.filter((t): t is Tile => typeof t?.id === 'string' && typeof t.name === 'string' && typeof t.text === 'string' && kinds.includes(t.kind) && ['sql', 'gremlin', 'cypher'].includes(t.language))
  return { tiles, refreshSeconds: Number(b.refreshSeconds) || 30 }
}

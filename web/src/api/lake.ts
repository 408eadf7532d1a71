/** Connections, tables, columns and jobs: read from the system tables that worksheets can read too. */
import { json } from './client'
import { select, sqlText } from './query'

export interface Table {
  full: string
  catalog: string
  schema: string
  name: string
  rows: number
  files: number
  bytes: number
  snapshots: number
  lastCommit: string | null
  location: string
  primaryKey: string
  partitions: string
}
export interface TableColumn { table: string; name: string; type: string; isNullable: boolean }
export interface Connection { name: string; type: string }
export interface Job {
  name: string
  kind: string
  target: string
  status: string
  isRunning: boolean
  statement: string
  runs: number
  rows: number
  bytesIn: number
  bytesOut: number
  dropped: number
  filesLoaded: number
  filesBad: number
  filesPending: number
  rate: number | null
  lagSeconds: number | null
  commitMs: number | null
  lastCommit: string | null
  newestEvent: string | null
  error: string
}

type Row = Record<string, any>
const n = (v: unknown): number => Number(v ?? 0)

export async function tables(): Promise<Table[]> {
  const rows = await select<Row>('SELECT * FROM system.information_schema.tables ORDER BY catalog, schema, name')
  return rows.map((r) => ({
    full: `${r.catalog}.${r.schema}.${r.name}`, catalog: r.catalog, schema: r.schema, name: r.name, rows: n(r.rows), files: n(r.files), bytes: n(r.bytes),
    snapshots: n(r.snapshots), lastCommit: r.last_commit, location: r.location, primaryKey: r.primary_key ?? '', partitions: r.partitions ?? '',
  }))
}
export async function columns(): Promise<TableColumn[]> {
  const rows = await select<Row>('SELECT catalog, schema, "table", name, data_type, is_nullable FROM system.information_schema.columns ORDER BY 1, 2, 3, ordinal_position')
  return rows.map((r) => ({ table: `${r.catalog}.${r.schema}.${r.table}`, name: r.name, type: r.data_type, isNullable: Boolean(r.is_nullable) }))
}
export const connections = (): Promise<Connection[]> => select('SELECT name, type FROM system.information_schema.connections ORDER BY name')

export async function jobs(): Promise<Job[]> {
  const rows = await select<Row>(
    'SELECT m.*, i.statement FROM system.monitoring.jobs m JOIN system.information_schema.jobs i ON i.name = m.job_name')
  return rows.map((r) => ({
    name: r.job_name, kind: r.type, target: r.target, status: r.status, isRunning: r.status === 'RUNNING', statement: r.statement, runs: n(r.runs), rows: n(r.rows),
    bytesIn: n(r.bytes_in), bytesOut: n(r.bytes_out), dropped: n(r.rows_dropped), filesLoaded: n(r.files_loaded), filesBad: n(r.files_bad), filesPending: n(r.files_pending),
    rate: r.rows_per_second, lagSeconds: r.lag_s, commitMs: r.commit_ms, lastCommit: r.last_commit, newestEvent: r.newest_event, error: r.last_error ?? '',
  }))
}

/** The table beside a job's target that takes what is kept out. */
export const lettersOf = (job: string): string => `${job.replace(/[^A-Za-z0-9]/g, '_')}_dead_letters`

export interface Run { run: number; status: string; started: string; durationMs: number | null; rows: number; bytesIn: number; files: number; commitMs: number | null }
export async function runs(job: string, limit = 200): Promise<Run[]> {
  const rows = await select<Row>(`SELECT * FROM system.monitoring.runs WHERE job_name = ${sqlText(job)} ORDER BY started DESC LIMIT ${limit}`)
  return rows.map((r) => ({ run: n(r.run), status: r.status, started: r.started, durationMs: r.duration_ms, rows: n(r.rows), bytesIn: n(r.bytes_in), files: n(r.files), commitMs: r.commit_ms }))
}

/** From the newest event of each run to the end of the run, oldest first. */
export async function delays(job: string): Promise<{ at: number; seconds: number }[]> {
  const name = sqlText(job)
  const rows = await select<Row>(`SELECT epoch(r.finished) AS at, epoch(r.finished) - epoch(max(f.event_time)) AS seconds FROM system.monitoring.runs r JOIN system.monitoring.files f ON f.run = r.run AND f.job_name = ${name} WHERE r.job_name = ${name} AND r.finished IS NOT NULL AND f.status = 'done' GROUP BY r.run, r.finished ORDER BY r.finished DESC LIMIT 200`)
  return rows.map((r) => ({ at: n(r.at), seconds: n(r.seconds) })).reverse()
}

export interface Figures { files: number; bytes: number; rows: number; deleteFiles: number; deletedRows: number; manifests: number; manifestBytes: number; snapshots: number; planUs: number }
export interface Upkeep { before: Figures; after: Figures; filesRewritten: number; bytesRewritten: number; snapshotsExpired: number; filesDeleted: number; bytesDeleted: number; rowsRetired: number; conflicts: number }
export interface Snapshot {
  id: string
  committed: string
  operation: string
  isCurrent: boolean
  addedRows: number | null
  deletedRows: number | null
  addedFiles: number | null
  deletedFiles: number | null
  addedBytes: number | null
  removedBytes: number | null
  totalRows: number | null
  totalFiles: number | null
  totalBytes: number | null
  totalDeleteFiles: number | null
  refs: string[]
}
export interface DataFile { kind: string; file: string; rows: number; bytes: number; sequenceNumber: number; deletes: number }
const of = (what: string, table: string, more: Record<string, string> = {}): string => `/api/tables/${what}?${new URLSearchParams({ table, ...more })}`
export const snapshots = (table: string): Promise<{ count: number; snapshots: Snapshot[] }> => json('GET', of('snapshots', table))
export const dataFiles = (table: string, asOf = ''): Promise<{ count: number; files: DataFile[] }> => json('GET', of('files', table, asOf ? { asOf } : {}))
export const figures = async (table: string): Promise<Figures> => (await json<{ now: Figures }>('GET', of('upkeep', table))).now
export const keepUp = (table: string): Promise<Upkeep> => json('POST', '/api/tables/upkeep', { table })

/** What the server keeps about a column as rows are loaded. */
export interface ColumnFacts {
  column_name: string
  type: string
  rows: number
  nulls: number
  distinct_values: number
  distinct_error: number
  min: string | null
  max: string | null
  first_seen: string | null
  last_seen: string | null
  types: string | null
}
export interface Bin { column_name: string; low: number; high: number; count: number }
export interface TopValue { column_name: string; value: string | null; count: number; count_error: number }
const facts = async <T>(what: string, table: string): Promise<T[]> => (await json<{ rows: T[] }>('GET', `/api/system/monitoring.${what}?${new URLSearchParams({ table })}`)).rows
export const columnFacts = (table: string): Promise<ColumnFacts[]> => facts('columns', table)
export const histograms = (table: string): Promise<Bin[]> => facts('histograms', table)
export const topValues = (table: string): Promise<TopValue[]> => facts('top_values', table)

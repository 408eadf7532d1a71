/** Connections, tables, columns and jobs: read from the system tables that worksheets can read too. */
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

export interface Run { run: number; status: string; started: string; durationMs: number | null; rows: number; bytesIn: number; files: number; commitMs: number | null }
export async function runs(job: string, limit = 200): Promise<Run[]> {
  const rows = await select<Row>(`SELECT * FROM system.monitoring.runs WHERE job_name = ${sqlText(job)} ORDER BY started DESC LIMIT ${limit}`)
  return rows.map((r) => ({ run: n(r.run), status: r.status, started: r.started, durationMs: r.duration_ms, rows: n(r.rows), bytesIn: n(r.bytes_in), files: n(r.files), commitMs: r.commit_ms }))
}

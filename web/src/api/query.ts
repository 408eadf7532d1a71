/** Queries in any language: rows arrive line by line and can be stopped. */
import { errorOf, send, type ErrorBody } from './client'

export type Language = 'sql' | 'gremlin' | 'cypher'
export type Cell = unknown
export interface Column { name: string; type: string }
export interface Progress { rows: number; elapsedMs: number }
export interface Result { columns: Column[]; rows: Cell[][]; elapsedMs: number; isTruncated: boolean; count: number }

export interface Request {
  language: Language
  text: string
  parameters?: Record<string, unknown>
  graph?: string
  limit?: number
  timeoutMs?: number
}

interface Line {
  id?: string
  columns?: Column[]
  rows?: Cell[][]
  progress?: Progress
  end?: { rows: number; elapsedMs: number; isTruncated: boolean }
  error?: ErrorBody
}

async function* lines(response: Response): AsyncGenerator<Line> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    rest += value
    const parts = rest.split('\n')
    rest = parts.pop()!
    for (const part of parts) if (part) yield JSON.parse(part) as Line
  }
  if (rest) yield JSON.parse(rest) as Line
}

/** Rows are handed to `onRows` as they come; the result keeps them all. */
export async function ask(request: Request, signal?: AbortSignal, onRows?: (r: Result) => void): Promise<Result> {
  const started = performance.now()
  const response = await send('POST', '/api/query', request, signal)
  const result: Result = { columns: [], rows: [], elapsedMs: 0, isTruncated: false, count: 0 }
  let told = 0
  let isWhole = false
  for await (const line of lines(response)) {
    if (line.columns) result.columns = line.columns
    if (line.rows) for (const row of line.rows) result.rows.push(row)
    if (line.error) throw errorOf(400, line.error)
    if (line.end) {
      result.isTruncated = line.end.isTruncated
      isWhole = true
    }
    result.count = result.rows.length
    result.elapsedMs = performance.now() - started
    if (onRows && result.elapsedMs - told > 120) {
      told = result.elapsedMs
      onRows({ ...result })
    }
  }
  if (!isWhole) throw errorOf(0, { code: 'IO', message: 'the answer broke off: the server went away' })
  return { ...result }
}

/** Rows as objects by column name. */
export async function select<T>(text: string, signal?: AbortSignal, limit = 100000): Promise<T[]> {
  const r = await ask({ language: 'sql', text, limit }, signal)
  return r.rows.map((row) => Object.fromEntries(r.columns.map((c, i) => [c.name, row[i]])) as T)
}

export const sqlText = (s: string): string => `'${s.replaceAll("'", "''")}'`
export const sqlName = (s: string): string => (/^[a-z_][a-z0-9_]*$/.test(s) && !RESERVED.has(s) ? s : `"${s.replaceAll('"', '""')}"`)
const RESERVED = new Set(['end', 'start', 'order', 'group', 'select', 'from', 'to', 'table', 'type', 'user', 'case', 'when'])

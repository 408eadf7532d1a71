/** Queries in any language: rows arrive line by line and can be stopped. */
import { errorOf, send, type ErrorBody } from './client'

export type Language = 'sql' | 'gremlin' | 'cypher'
export type Cell = unknown
export interface Column { name: string; type: string }
export interface Progress { rows: number; elapsedMs: number }
/** `serverRows` is how many rows the server has found so far, while it runs. */
export interface Result { columns: Column[]; rows: Cell[][]; elapsedMs: number; isTruncated: boolean; count: number; serverRows?: number }

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
    if (line.progress) result.serverRows = line.progress.rows
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

/** Rows as objects by column name, made as they come. */
export async function select<T>(text: string, signal?: AbortSignal, limit = 100000): Promise<T[]> {
  const made: T[] = []
  let names: string[] = []
  let isWhole = false
  for await (const line of lines(await send('POST', '/api/query', { language: 'sql', text, limit }, signal))) {
    if (line.columns) names = line.columns.map((c) => c.name)
    for (const row of line.rows ?? []) {
      const o: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) o[names[i]!] = row[i]
      made.push(o as T)
    }
    if (line.error) throw errorOf(400, line.error)
    if (line.end) isWhole = true
  }
  if (!isWhole) throw errorOf(0, { code: 'IO', message: 'the answer broke off: the server went away' })
  return made
}

export const sqlText = (s: string): string => `'${s.replaceAll("'", "''")}'`
export const sqlName = (s: string): string => (/^[a-z_][a-z0-9_]*$/.test(s) && !RESERVED.has(s) ? s : `"${s.replaceAll('"', '""')}"`)
const RESERVED = new Set(['end', 'start', 'order', 'group', 'select', 'from', 'to', 'table', 'type', 'user', 'case', 'when'])

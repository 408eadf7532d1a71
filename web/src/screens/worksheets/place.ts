/** Where in a worksheet an error of one of its statements points. */
import { ApiError, type Place } from '../../api/client'

/** The engine draws the line and a caret below: "LINE 2: SELECT nope\n               ^". */
function drawn(message: string, statement: string): Place | undefined {
  const m = /LINE (\d+): (.*)\n( *)\^/.exec(message)
  if (!m) return undefined
  const line = Number(m[1])
  const at = m[3]!.length - `LINE ${m[1]}: `.length
  const shown = m[2]!
  const text = statement.split('\n')[line - 1]
  if (text === undefined || at < 0) return undefined
  const isCut = shown.startsWith('...')
  const begin = isCut ? text.indexOf(shown.slice(3).replace(/\.\.\.$/, '')) - 3 : 0
  return { line, column: Math.max(1, (isCut && begin >= -3 ? begin : 0) + at + 1) }
}

/** `from`: where the statement begins in the whole text; `added`: letters that were put before it. */
export interface Ran { statement: string; whole: string; from: number; added: number }

export function placed(error: unknown, { statement, whole, from, added }: Ran): unknown {
  if (!(error instanceof ApiError)) return error
  const own = error.position ?? drawn(error.message, ' '.repeat(added) + statement)
  if (!own) return error
  const before = whole.slice(0, from).split('\n')
  const column = own.line === 1 ? Math.max(1, own.column - added) + before.at(-1)!.length : own.column
  return new ApiError(error.status, error.code, error.message, { line: own.line + before.length - 1, column })
}

/** Where `text` stands in `whole`, nearest to the caret. */
export function offsetOf(text: string, whole: string, caret: number): number {
  let best = Math.max(0, whole.indexOf(text))
  for (let i = best; i >= 0 && i <= caret; i = whole.indexOf(text, i + 1)) best = i
  return best
}

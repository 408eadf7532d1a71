/** Answers as files, made a piece at a time: a million rows must not stop the page. */
import { cell } from '../api/format'
import type { Result } from '../api/query'
import { pacer } from '../scene/draw'
import { toCsv } from './Grid'
import { save } from './index'

const PIECE = 2000
async function pieces(rows: unknown[][], write: (some: unknown[][], isFirst: boolean) => string): Promise<string[]> {
  const turn = pacer(() => true)
  const parts: string[] = []
  for (let i = 0; i < rows.length || i === 0; i += PIECE) {
    parts.push(write(rows.slice(i, i + PIECE), i === 0))
    await turn()
  }
  return parts
}
const flat = (v: unknown): string => cell(v).replaceAll(/[\t\n]/g, ' ')

export async function exportResult(kind: string, r: Result): Promise<void> {
  const names = r.columns.map((c) => c.name)
  if (kind === 'csv') save('result.csv', 'text/csv', await pieces(r.rows, (some, isFirst) => (isFirst ? toCsv(r.columns, some) : toCsv([], some).slice(2))))
  if (kind === 'json') save('result.json', 'application/json', ['[\n', ...await pieces(r.rows, (some, isFirst) => some.map((row, i) => `${isFirst && i === 0 ? '' : ',\n'}${JSON.stringify(Object.fromEntries(names.map((n, c) => [n, row[c]])))}`).join('')), '\n]\n'])
  if (kind === 'copy') await navigator.clipboard.writeText(`${names.join('\t')}\n${(await pieces(r.rows, (some) => some.map((row) => `${row.map(flat).join('\t')}\n`).join(''))).join('')}`)
  if (kind === 'markdown') await navigator.clipboard.writeText([`| ${names.join(' | ')} |`, `|${names.map(() => '---').join('|')}|`, ...r.rows.slice(0, 1000).map((row) => `| ${row.map((v) => cell(v).replaceAll('|', '\\|')).join(' | ')} |`)].join('\n'))
}

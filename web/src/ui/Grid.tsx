/** A table of any number of rows: only what is seen is in the page. Arrows move, up to the head, where Enter sorts; Ctrl+C copies a cell. */
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import type { Column } from '../api/query'
import { cell } from '../api/format'
import './grid.css'

interface Props {
  columns: Column[]
  rows: unknown[][]
  label: string
  onRow?: (row: unknown[], index: number) => void
  selected?: (row: unknown[], index: number) => boolean
}

const [ROW, MORE, MOST_SORTED] = [28, 12, 50000]
const collator = new Intl.Collator('en', { numeric: true })
const isNumber = (type: string): boolean => /INT|DOUBLE|FLOAT|DECIMAL|REAL/i.test(type)

export function Grid({ columns, rows, label, onRow, selected }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const id = useId()
  /** Row -1 is the head. */
  const [at, setAt] = useState<[number, number]>([0, 0])
  const [sort, setSort] = useState<{ column: number; down: boolean } | undefined>()
  const canSort = rows.length <= MOST_SORTED
  const order = useMemo(() => {
    if (!sort || !canSort) return undefined
    const c = sort.column
    return rows.map((_, i) => i).sort((a, b) => compare(rows[a]![c], rows[b]![c]) * (sort.down ? -1 : 1))
  }, [rows, rows.length, sort, canSort]) // rows are added to the same list while they come
  const rowAt = (i: number): number => order?.[i] ?? i
  const widths = useMemo(() => columns.map((c, i) => {
    let most = c.name.length + 3
    for (let r = 0; r < Math.min(60, rows.length); r++) most = Math.max(most, cell(rows[r]![i]).length)
    return Math.min(380, 24 + most * 7.4)
  }), [columns, rows.length > 0])
  /** By its type; where the language tells none, by what stands in it. */
  const numeric = useMemo(() => columns.map((c, i): boolean => {
    const some = rows.slice(0, 60).map((r) => r[i]).filter((v) => v !== null)
    return isNumber(c.type) || (some.length > 0 && some.every((v) => typeof v === 'number'))
  }), [columns, rows.length > 0])
  const [first, last] = useWindow(box, rows.length)
  useEffect(() => {
    // A table that opens beside a selection shows it.
    const i = selected ? rows.findIndex((r, k) => selected(r, k)) : -1
    if (i > 0) box.current!.scrollTop = Math.max(0, (i - 3) * ROW)
  }, [])
  const template = widths.map((w) => `minmax(${w}px, 1fr)`).join(' ')
  const minWidth = widths.reduce((a, b) => a + b, 0)

  const move = (e: React.KeyboardEvent): void => {
    const [r, c] = at
    const to = ({ ArrowDown: [r + 1, c], ArrowUp: [r - 1, c], ArrowRight: [r, c + 1], ArrowLeft: [r, c - 1], PageDown: [r + 20, c], PageUp: [r - 20, c], Home: [0, c], End: [rows.length - 1, c] } as Record<string, [number, number]>)[e.key]
    if (e.key === 'Enter' && r < 0) flip(c)
    else if (e.key === 'Enter' && onRow && rows.length) onRow(rows[rowAt(r)]!, rowAt(r))
    if ((e.ctrlKey || e.metaKey) && e.key === 'c' && !getSelection()?.toString()) void navigator.clipboard.writeText(r < 0 ? columns[c]!.name : cell(rows[rowAt(r)]?.[c]))
    if (!to || e.ctrlKey || e.metaKey || e.altKey) return
    e.preventDefault()
    const next: [number, number] = [e.key === 'ArrowUp' && r <= 0 ? -1 : clamp(to[0], rows.length), clamp(to[1], columns.length)]
    setAt(next)
    const seen = box.current!
    const [top, high] = [next[0] * ROW, seen.clientHeight - 2 * ROW]
    if (next[0] >= 0 && top < seen.scrollTop) seen.scrollTop = top
    else if (top > seen.scrollTop + high) seen.scrollTop = top - high
    const left = widths.slice(0, next[1]).reduce((sum, w) => sum + w, 0)
    if (left < seen.scrollLeft) seen.scrollLeft = left
    else if (left + widths[next[1]]! > seen.scrollLeft + seen.clientWidth) seen.scrollLeft = left + widths[next[1]]! - seen.clientWidth
  }
  const flip = (i: number): void => {
    if (!canSort) return
    const first = numeric[i]!
    setSort((s) => (s?.column !== i ? { column: i, down: first } : s.down === first ? { column: i, down: !s.down } : undefined))
  }

  return (
    <div className="grid" ref={box} role="grid" aria-label={label} aria-rowcount={rows.length + 1} aria-colcount={columns.length} tabIndex={0} onKeyDown={move} aria-activedescendant={columns.length && (rows.length || at[0] < 0) ? `${id}-${at[0]}-${at[1]}` : undefined}>
      <div className="grid-head" role="row" style={{ gridTemplateColumns: template, minWidth }}>
        {columns.map((c, i) => (
          <div key={i} id={`${id}--1-${i}`} role="columnheader" aria-sort={sort?.column === i ? (sort.down ? 'descending' : 'ascending') : 'none'} className={`${numeric[i] ? 'num' : ''}${at[0] < 0 && at[1] === i ? ' at' : ''}`} title={canSort ? c.type : `${c.type}. More than ${MOST_SORTED.toLocaleString('en-US')} rows are sorted by ORDER BY in the query.`}
            onClick={() => { setAt([-1, i]); flip(i) }}>
            {c.name}{sort?.column === i ? (sort.down ? ' ↓' : ' ↑') : ''}
          </div>
        ))}
      </div>
      <div style={{ height: rows.length * ROW, minWidth, position: 'relative' }} role="rowgroup">
        {Array.from({ length: Math.max(0, last - first) }, (_, k) => first + k).map((line) => {
          const index = rowAt(line)
          const row = rows[index]
          if (!row) return null
          return (
            <div key={line} role="row" aria-rowindex={line + 2} aria-selected={selected?.(row, index) ?? false} className="grid-row"
              style={{ transform: `translateY(${line * ROW}px)`, gridTemplateColumns: template }} onClick={() => onRow?.(row, index)}>
              {columns.map((_c, i) => (
                <div key={i} id={`${id}-${line}-${i}`} role="gridcell" className={`${numeric[i] ? 'num' : ''}${at[0] === line && at[1] === i ? ' at' : ''}${row[i] === null ? ' null' : ''}`}
                  onMouseDown={() => setAt([line, i])} title={cell(row[i])}>
                  {row[i] === null ? 'null' : cell(row[i])}
                </div>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** Which rows are in sight, with some more on both sides. */
function useWindow(box: React.RefObject<HTMLDivElement | null>, count: number): [number, number] {
  const [seen, setSeen] = useState<[number, number]>([0, 40])
  useEffect(() => {
    const b = box.current!
    const look = (): void => setSeen((old) => {
      const first = Math.max(0, Math.floor(b.scrollTop / ROW) - MORE)
      const last = Math.ceil((b.scrollTop + b.clientHeight) / ROW) + MORE
      return old[0] === first && old[1] === last ? old : [first, last]
    })
    look()
    b.addEventListener('scroll', look, { passive: true })
    const sized = new ResizeObserver(look)
    sized.observe(b)
    return () => { b.removeEventListener('scroll', look); sized.disconnect() }
  }, [])
  return [Math.min(seen[0], count), Math.min(seen[1], count)]
}

const clamp = (n: number, size: number): number => Math.max(0, Math.min(size - 1, n))
function compare(a: unknown, b: unknown): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return collator.compare(cell(a), cell(b))
}

const quote = (s: string): string => {
  const safe = /^[=+\-@\t]/.test(s) && Number.isNaN(Number(s)) ? `'${s}` : s
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
export const toCsv = (columns: Column[], rows: unknown[][]): string =>
  [columns.map((c) => quote(c.name)).join(','), ...rows.map((r) => r.map((v) => quote(cell(v))).join(','))].join('\r\n') + '\r\n'

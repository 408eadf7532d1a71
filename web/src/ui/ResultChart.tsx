/** The first text or time column against the number columns, as bars or lines. */
import { useMemo } from 'react'
import type { Result } from '../api/query'
import { cell, short } from '../api/format'
import { Plot } from './Plot'

const isNumber = (v: unknown): boolean => typeof v === 'number' || (typeof v === 'string' && v !== '' && !Number.isNaN(Number(v)))
const timeOf = (v: unknown): number => (typeof v === 'string' && /^\d{4}-\d\d-\d\d/.test(v) ? Date.parse(v.replace(' ', 'T') + (/Z|[+-]\d\d:?\d\d$/.test(v) ? '' : 'Z')) / 1000 : NaN)

export default function ResultChart({ result }: { result: Result }) {
  const shape = useMemo(() => {
    const rows = result.rows.slice(0, 5000)
    const numbers = result.columns.map((_, i) => i).filter((i) => rows.every((r) => r[i] === null || isNumber(r[i])))
    const x = result.columns.findIndex((_, i) => !numbers.includes(i))
    const times = x >= 0 ? rows.map((r) => timeOf(r[x])) : []
    return { rows, numbers: numbers.filter((i) => i !== x), x, times: times.length && times.every((t) => !Number.isNaN(t)) ? times : undefined }
  }, [result])
  if (!shape.numbers.length) return <p className="muted pad">There is no column of numbers to draw.</p>
  if (shape.times) {
    const order = shape.rows.map((_, i) => i).sort((a, b) => shape.times![a]! - shape.times![b]!)
    return <div className="pad"><Plot height={260} label="Result over time" x={order.map((i) => shape.times![i]!)} series={shape.numbers.slice(0, 4).map((c) => ({ name: result.columns[c]!.name, values: order.map((i) => Number(shape.rows[i]![c])) }))} /></div>
  }
  const c = shape.numbers[0]!
  const top = Math.max(1e-9, ...shape.rows.slice(0, 40).map((r) => Math.abs(Number(r[c]))))
  return (
    <table className="plain" aria-label={`${result.columns[c]!.name} by ${shape.x >= 0 ? result.columns[shape.x]!.name : 'row'}`}><tbody>
      {shape.rows.slice(0, 40).map((r, i) => (
        <tr key={i}><td className="mono">{shape.x >= 0 ? cell(r[shape.x]) : i + 1}</td><td className="num">{short(Number(r[c]))}</td>
          <td style={{ width: '60%' }}><div style={{ width: `${(100 * Math.abs(Number(r[c]))) / top}%`, height: 12, background: 'var(--accent)', borderRadius: 2 }} /></td></tr>))}
    </tbody></table>
  )
}

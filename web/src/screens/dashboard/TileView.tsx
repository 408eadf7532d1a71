/** One tile: asks its question, shows the answer, says when it was. */
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo } from 'react'
import { bytes, cell, clock, count, secondsOf, short } from '../../api/format'
import { ask, type Result } from '../../api/query'
import { go } from '../../app/route'
import { useSettings } from '../../app/settings'
import { Failure, Skeleton } from '../../ui'
import { Grid } from '../../ui/Grid'
import { Plot } from '../../ui/Plot'
import { elementsOf } from '../../scene/elements'
import type { Tile } from './tiles'

const MiniGraph = lazy(() => import('../../ui/MiniGraph'))

const isAddress = (s: string): boolean => /^[0-9a-f]*[.:][0-9a-f.:]+$/i.test(s)
const look = (s: string): void => go('visualize', '', { find: isAddress(s) ? s : `:${s}` })

export function TileView({ tile, refreshSeconds }: { tile: Tile; refreshSeconds: number }) {
  const { isLocalTime } = useSettings()
  const q = useQuery({ queryKey: ['tile', tile.language, tile.text], refetchInterval: refreshSeconds * 1000, queryFn: ({ signal }) => ask({ language: tile.language, text: tile.text, limit: 5000, timeoutMs: 60000 }, signal) })
  const isStale = q.dataUpdatedAt > 0 && Date.now() - q.dataUpdatedAt > refreshSeconds * 2000
  return (
    <>
      {q.error && <Failure error={q.error} retry={() => void q.refetch()} />}
      {!q.data && !q.error && <Skeleton lines={tile.kind === 'number' ? 1 : 4} />}
      {q.data && <Shown tile={tile} result={q.data} />}
      <small className={isStale ? 'warn' : 'muted'}>{q.dataUpdatedAt ? clock(q.dataUpdatedAt / 1000, isLocalTime).slice(11) : ''}</small>
    </>
  )
}

function Shown({ tile, result }: { tile: Tile; result: Result }) {
  const unit = (n: number): string => (tile.unit === 'bytes' ? bytes(n) : tile.unit === '%' ? `${n} %` : Math.abs(n) < 1e6 ? count(n) : short(n))
  const line = useMemo(() => {
    if (tile.kind !== 'line') return undefined
    const x = result.rows.map((r) => secondsOf(cell(r[0])))
    return { x, series: result.columns.slice(1).map((c, i) => ({ name: c.name, values: result.rows.map((r) => Number(r[i + 1])), colour: /reject/i.test(c.name) ? 'err' : `c${i * 6}` })) }
  }, [tile.kind, result])
  if (tile.kind === 'number') return <b className="big-number">{unit(Number(result.rows[0]?.[0] ?? 0))}</b>
  if (tile.kind === 'graph') return <Drawn result={result} />
  if (line) return line.x.length ? <Plot label={tile.name} x={line.x} series={line.series} height={170} unit={unit} /> : <p className="muted">No rows.</p>
  if (tile.kind === 'bars') {
    const top = Math.max(1e-9, ...result.rows.map((r) => Number(r[1])))
    return <table className="plain"><tbody>{result.rows.slice(0, 12).map((r, i) => <tr key={i}><td><button type="button" className="button quiet small mono" onClick={() => look(cell(r[0]))}>{cell(r[0])}</button></td><td className="half"><div className="meter" style={{ width: `${(100 * Number(r[1])) / top}%` }} /></td><td className="num">{unit(Number(r[1]))}</td></tr>)}</tbody></table>
  }
  return <div className="tile-grid"><Grid label={tile.name} columns={result.columns} rows={result.rows} onRow={(r) => { const a = r.find((v) => typeof v === 'string' && isAddress(v)); if (a) look(String(a)) }} /></div>
}

function Drawn({ result }: { result: Result }) {
  const elements = useMemo(() => elementsOf(result.rows, 500), [result])
  if (!elements.vertices.length && !elements.edges.length) return <p className="muted">The answer has no vertices or edges: ask for them in Gremlin or Cypher.</p>
  return <div className="tile-graph"><Suspense fallback={<Skeleton lines={4} />}><MiniGraph elements={elements} /></Suspense></div>
}

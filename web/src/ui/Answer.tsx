/** A query's answer in several forms: table, graph, raw text, chart. */
import { Download } from 'lucide-react'
import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react'
import type { Result } from '../api/query'
import { count, duration } from '../api/format'
import { elementsOf } from '../scene/elements'
import './answer.css'
import { exportResult } from './exports'
import { Grid } from './Grid'
import { Skeleton, Tabs } from './index'

const MiniGraph = lazy(() => import('./MiniGraph'))
const Chart = lazy(() => import('./ResultChart'))

/** Vertices and edges are looked for in so many rows. */
const MOST_SEARCHED = 20000

export function Answer({ result, isRunning, extra, onCell }: { result: Result; isRunning: boolean; extra?: { id: string; label: string; view: ReactNode }[]; onCell?: (row: unknown[]) => void }) {
  const elements = useMemo(() => (isRunning ? { vertices: [], edges: [] } : elementsOf(result.rows.length > MOST_SEARCHED ? result.rows.slice(0, MOST_SEARCHED) : result.rows, 5000)), [result, isRunning])
  const hasGraph = elements.vertices.length > 0
  const canChart = result.columns.length > 1 && result.rows.length > 1
  const tabs = [{ id: 'table', label: 'Results' }, ...(hasGraph ? [{ id: 'graph', label: 'Graph' }] : []), ...(canChart ? [{ id: 'chart', label: 'Chart' }] : []), { id: 'raw', label: 'JSON' }, ...(extra ?? []).map((e) => ({ id: e.id, label: e.label }))]
  const [tab, setTab] = useState('table')
  const at = tabs.some((t) => t.id === tab) ? tab : 'table'
  const raw = useMemo(() => (at === 'raw' ? result.rows.slice(0, 2000).map((r) => JSON.stringify(r.length === 1 ? r[0] : r)).join('\n') : ''), [at, result])
  const exportAs = (kind: string): void => void exportResult(kind, result)
  return (
    <section className="answer" aria-label="Result">
      <div className="answer-bar">
        <Tabs label="Forms of the result" tabs={tabs} value={at} onChange={setTab} />
        <span className="muted answer-facts" role="status" data-testid="facts">{count(result.count)} row{result.count === 1 ? '' : 's'}{result.isTruncated ? ': the limit; there are more' : ''}{isRunning ? ' so far' : ''} · {duration(result.elapsedMs)}</span>
        <label className="button small"><Download size={13} aria-hidden /><span className="visually-hidden">Copy or export</span>
          <select className="export" aria-label="Copy or export the result" value="" onChange={(e) => exportAs(e.target.value)}>
            <option value="" disabled>Export</option><option value="csv">CSV file</option><option value="json">JSON file</option><option value="copy">Copy as TSV</option><option value="markdown">Copy as Markdown</option>
          </select></label>
      </div>
      <div className="answer-body">
        {at === 'table' && (result.rows.length === 0 && !isRunning ? <p className="muted pad">The query ran and gave no rows.</p> : <Grid label="Result rows" columns={result.columns} rows={result.rows} {...(onCell ? { onRow: onCell } : {})} />)}
        {at === 'graph' && <Suspense fallback={<Skeleton />}><MiniGraph elements={elements} /></Suspense>}
        {at === 'chart' && <Suspense fallback={<Skeleton />}><Chart result={result} /></Suspense>}
        {at === 'raw' && <pre className="raw" tabIndex={0}>{raw}{result.rows.length > 2000 ? `\n… ${count(result.rows.length - 2000)} more: export them` : ''}</pre>}
        {extra?.find((e) => e.id === at)?.view}
      </div>
    </section>
  )
}

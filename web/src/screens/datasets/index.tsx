/** Datasets: every table, what its columns hold, the files and jobs behind it. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bytes, cell, count, short } from '../../api/format'
import { tables, type Table as Lake } from '../../api/lake'
import { select, sqlName, sqlText } from '../../api/query'
import { href, useRoute } from '../../app/route'
import { Empty, Failure, Skeleton, Spark, Tabs } from '../../ui'
import { Table } from '../../ui/Table'

const tableName = (t: Lake): string => [t.catalog, t.schema, t.name].map(sqlName).join('.')

export default function Datasets() {
  const route = useRoute()
  const list = useQuery({ queryKey: ['tables'], queryFn: tables, refetchInterval: 8000 })
  const [filter, setFilter] = useState('')
  if (list.isLoading) return <Skeleton />
  if (list.error) return <div className="page"><Failure error={list.error} retry={() => void list.refetch()} /></div>
  const all = list.data ?? []
  if (!all.length) return <Empty title="No tables yet" actions={<><a className="button primary" href="#/worksheets">Create one</a><a className="button" href="#/">Use sample data</a></>}>Tables are plain Iceberg: other engines read them while jobs write them.</Empty>
  const chosen = all.find((t) => t.full === route.rest)
  return (
    <div className="page">
      <header><h1>Datasets</h1><span className="spacer" /><input className="field" aria-label="Filter tables" placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} /><a className="button" href={href('worksheets', '', { text: 'SELECT * FROM system.information_schema.tables' })}>View as SQL</a></header>
      <div className={`panel scroll ${chosen ? 'third' : ''}`} tabIndex={0} role="region" aria-label="Tables">
        <table className="plain"><thead><tr><th>Table</th><th className="num">Rows</th><th className="num">Size</th><th className="num">Files</th><th className="num">Snapshots</th><th>Last commit</th><th>Partitions</th><th>Primary key</th></tr></thead>
          <tbody>{all.filter((t) => t.full.includes(filter)).map((t) => (
            <tr key={t.full} aria-selected={t.full === route.rest}><td><a href={href('datasets', t.full)}>{t.full}</a></td><td className="num">{count(t.rows)}</td><td className="num">{bytes(t.bytes)}</td><td className="num">{count(t.files)}</td><td className="num">{count(t.snapshots)}</td><td className="mono">{cell(t.lastCommit).slice(0, 19)}</td><td className="mono">{t.partitions}</td><td className="mono">{t.primaryKey}</td></tr>))}</tbody></table>
      </div>
      {chosen && <Detail key={chosen.full} table={chosen} />}
    </div>
  )
}

function Detail({ table }: { table: Lake }) {
  const [tab, setTab] = useState('columns')
  const name = tableName(table)
  const writes = sqlText(`%${table.schema}.${table.name}`)
  return (
    <section className="panel" aria-label={table.name}>
      <header><h2>{table.name}</h2><span className="muted mono wrap">{table.location}</span><span className="spacer" /><a className="button small" href="#/visualize">Visualize</a><a className="button small" href={href('lineage', table.full)}>Lineage</a><a className="button small" href={href('worksheets', '', { text: `SELECT * FROM ${name} LIMIT 100` })}>SQL</a></header>
      <Tabs label="Parts of the dataset" value={tab} onChange={setTab} tabs={['columns', 'preview', 'files', 'jobs'].map((id) => ({ id, label: id[0]!.toUpperCase() + id.slice(1) }))} />
      <div className="body">
        {tab === 'columns' && (table.rows === 0 ? <p className="muted">The table has no rows yet. Its job may not have run, or found nothing.</p> : <Columns table={table} name={name} />)}
        {tab === 'preview' && <Table name={`Rows of ${table.name}`} sql={`SELECT * FROM ${name} LIMIT 200`} />}
        {tab === 'files' && <Table name="Files that jobs have loaded" sql={`SELECT f.uri, f.status, f.size, f.event_time, f.run, f.reason FROM system.monitoring.files f JOIN system.monitoring.jobs j ON j.job_name = f.job_name WHERE j.target LIKE ${writes} ORDER BY f.event_time DESC LIMIT 2000`} />}
        {tab === 'jobs' && <Table name="Jobs that write this table" sql={`SELECT job_name, type, status, runs, rows, last_commit, last_error FROM system.monitoring.jobs WHERE target LIKE ${writes}`} />}
      </div>
    </section>
  )
}

interface Summary { column_name: string; column_type: string; min: unknown; max: unknown; approx_unique: unknown; null_percentage: unknown }

function Columns({ table, name }: { table: Lake; name: string }) {
  const [open, setOpen] = useState('')
  const sample = table.rows > 2_000_000 ? ' USING SAMPLE 1000000 ROWS' : ''
  const q = useQuery({ queryKey: ['summary', table.full, table.rows], staleTime: 120000, queryFn: ({ signal }) => select<Summary>(`SELECT column_name, column_type, min, max, approx_unique, null_percentage FROM (SUMMARIZE SELECT * FROM ${name}${sample})`, signal) })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton />
  return (
    <>
      <p className="muted">{sample ? 'From a sample of 1,000,000 rows' : `From all ${count(table.rows)} rows`}; distinct values are estimates (about ±2 %). Open a column for its values.</p>
      {open && <Values key={open} name={name} column={open} type={q.data.find((c) => c.column_name === open)!.column_type} sample={sample} />}
      <div className="scroll" tabIndex={0} role="region" aria-label="Columns"><table className="plain"><thead><tr><th>Column</th><th>Type</th><th className="num">Null</th><th className="num">Distinct</th><th>Least</th><th>Most</th></tr></thead>
        <tbody>{q.data.map((c) => (
          <tr key={c.column_name} aria-selected={open === c.column_name}><td><button type="button" className="button quiet small mono" aria-expanded={open === c.column_name} onClick={() => setOpen(open === c.column_name ? '' : c.column_name)}>{c.column_name}</button></td><td className="mono">{c.column_type.toLowerCase()}</td><td className="num">{Number(c.null_percentage).toFixed(1)} %</td><td className="num">{short(Number(c.approx_unique))}</td><td className="mono">{cell(c.min).slice(0, 40)}</td><td className="mono">{cell(c.max).slice(0, 40)}</td></tr>))}</tbody></table></div>
    </>
  )
}

function Values({ name, column, type, sample }: { name: string; column: string; type: string; sample: string }) {
  const c = sqlName(column)
  const isNumber = /INT|DOUBLE|FLOAT|DECIMAL/.test(type)
  const top = useQuery({ queryKey: ['top', name, column], queryFn: ({ signal }) => select<{ value: unknown; n: number }>(`SELECT CAST(${c} AS VARCHAR) AS value, count(*) AS n FROM (SELECT * FROM ${name}${sample}) GROUP BY 1 ORDER BY 2 DESC LIMIT 10`, signal) })
  const histogram = useQuery({ queryKey: ['spread', name, column], enabled: isNumber, queryFn: ({ signal }) => select<{ at: number; n: number }>(`WITH v AS (SELECT CAST(${c} AS DOUBLE) AS v FROM (SELECT * FROM ${name}${sample}) WHERE ${c} IS NOT NULL), b AS (SELECT min(v) AS low, max(v) AS high FROM v) SELECT least(23, floor((v - low) * 24 / greatest(high - low, 1e-9))) AS at, count(*) AS n FROM v, b GROUP BY 1 ORDER BY 1`, signal) })
  const bars = Array.from({ length: 24 }, (_, i) => Number(histogram.data?.find((h) => Number(h.at) === i)?.n ?? 0))
  const most = Math.max(1, ...(top.data ?? []).map((t) => Number(t.n)))
  return (
    <section className="panel pad" aria-label={column}>
      <div className="row"><h3>{column}</h3>{isNumber && <Spark values={bars.map(Math.sqrt)} width={240} label={`Distribution of ${column}, square-root scale`} />}</div>
      {top.error && <Failure error={top.error} />}
      <table className="plain"><tbody>{(top.data ?? []).map((t, i) => <tr key={i}><td className="mono">{t.value === null ? <i className="muted">null</i> : cell(t.value)}</td><td className="num">{count(Number(t.n))}</td><td className="half"><div className="meter" style={{ width: `${(100 * Number(t.n)) / most}%` }} /></td></tr>)}</tbody></table>
    </section>
  )
}

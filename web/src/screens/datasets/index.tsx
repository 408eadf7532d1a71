/** Datasets: every table, what its columns hold, its snapshots and files, its upkeep, the jobs behind it. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bytes, count } from '../../api/format'
import { tables, type Table as Lake } from '../../api/lake'
import { sqlName, sqlText } from '../../api/query'
import { href, useParam, useRoute } from '../../app/route'
import { Empty, Failure, Skeleton, Tabs, When } from '../../ui'
import { Table } from '../../ui/Table'
import { Columns } from './Columns'
import { Files } from './Files'
import { Snapshots } from './Snapshots'
import { Upkeep } from './Upkeep'
import './datasets.css'

export default function Datasets() {
  const route = useRoute()
  const list = useQuery({ queryKey: ['tables'], queryFn: tables, refetchInterval: 8000 })
  const [filter, setFilter] = useState('')
  if (list.isLoading) return <Skeleton />
  if (list.error && !list.data) return <div className="page"><Failure error={list.error} retry={() => void list.refetch()} /></div>
  const all = list.data ?? []
  if (!all.length) return <Empty title="No tables yet" actions={<><a className="button primary" href="#/worksheets">Create one</a><a className="button" href="#/">Use sample data</a></>}>Tables are plain Iceberg: other engines read them while jobs write them.</Empty>
  const chosen = all.find((t) => t.full === route.rest)
  return (
    <div className="page">
      <header><h1>Datasets</h1><span className="spacer" /><input className="field" aria-label="Filter tables" data-search placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} /><a className="button" href={href('worksheets', '', { text: 'SELECT * FROM system.information_schema.tables' })}>View as SQL</a></header>
      <div className={`panel scroll ${chosen ? 'third' : ''}`} tabIndex={0} role="region" aria-label="Tables">
        <table className="plain"><thead><tr><th>Table</th><th className="num">Rows</th><th className="num">Size</th><th className="num">Files</th><th className="num">Snapshots</th><th>Last commit</th><th>Partitions</th><th>Primary key</th></tr></thead>
          <tbody>{all.filter((t) => t.full.includes(filter)).map((t) => (
            <tr key={t.full} aria-selected={t.full === route.rest}><td className="cut name"><a href={href('datasets', t.full)} title={t.full}>{t.full}</a></td><td className="num">{count(t.rows)}</td><td className="num">{bytes(t.bytes)}</td><td className="num">{count(t.files)}</td><td className="num">{count(t.snapshots)}</td><td className="mono"><When text={t.lastCommit} isShort /></td><td className="mono">{t.partitions}</td><td className="mono">{t.primaryKey}</td></tr>))}</tbody></table>
      </div>
      {chosen && <Detail key={chosen.full} table={chosen} />}
    </div>
  )
}

const PARTS = ['columns', 'preview', 'snapshots', 'files', 'upkeep', 'jobs']

function Detail({ table }: { table: Lake }) {
  const [tab, setTab] = useParam('tab', 'columns')
  const name = [table.catalog, table.schema, table.name].map(sqlName).join('.')
  const writes = sqlText(`%${table.schema}.${table.name}`)
  return (
    <section className="panel" aria-label={table.name}>
      <header><h2>{table.name}</h2><span className="muted mono wrap">{table.location}</span><span className="spacer" /><a className="button small" href="#/visualize">Visualize</a><a className="button small" href={href('lineage', table.full)}>Lineage</a><a className="button small" href={href('worksheets', '', { text: `SELECT * FROM ${name} LIMIT 100` })}>SQL</a></header>
      <Tabs label="Parts of the dataset" value={tab} onChange={setTab} tabs={PARTS.map((id) => ({ id, label: id[0]!.toUpperCase() + id.slice(1) }))} />
      <div className="body">
        {tab === 'columns' && (table.rows === 0 ? <p className="muted">The table has no rows yet. Its job may not have run, or found nothing.</p> : <Columns table={table} name={name} />)}
        {tab === 'preview' && <Table name={`Rows of ${table.name}`} sql={`SELECT * FROM ${name} LIMIT 200`} />}
        {tab === 'snapshots' && <Snapshots table={table} />}
        {tab === 'files' && <Files table={table} writes={writes} />}
        {tab === 'upkeep' && <Upkeep table={table} />}
        {tab === 'jobs' && <Table name="Jobs that write this table" sql={`SELECT job_name, type, status, runs, rows, last_commit, last_error FROM system.monitoring.jobs WHERE target LIKE ${writes}`} />}
      </div>
    </section>
  )
}

/** One job: figures, charts of its runs, errors, the runs themselves, its text. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { bytes, count, duration, secondsOf, short } from '../../api/format'
import { delays, runs, type Job, type Run } from '../../api/lake'
import { ask, sqlName, sqlText } from '../../api/query'
import { go, href, useParam } from '../../app/route'
import { Failure, Modal, Tabs } from '../../ui'
import { Plot } from '../../ui/Plot'
import { Table } from '../../ui/Table'
import { Errors } from './Errors'
import { Status } from './Status'

function Drop({ job, close }: { job: Job; close: () => void }) {
  const [name, setName] = useState('')
  const [error, setError] = useState<unknown>()
  const client = useQueryClient()
  const drop = (): void => void ask({ language: 'sql', text: `DROP JOB ${sqlName(job.name)}` }).then(() => { close(); void client.invalidateQueries({ queryKey: ['jobs'] }); go('jobs') }, setError)
  return (
    <Modal title={`Drop ${job.name}`} close={close}>
      <p>The job stops and is forgotten; the rows that it loaded stay. Type its name to go on.</p>
      <form className="row" onSubmit={(e) => { e.preventDefault(); if (name === job.name) drop() }}><input className="field mono" aria-label="Name of the job" value={name} data-autofocus onChange={(e) => setName(e.target.value)} /><button type="submit" className="button danger" disabled={name !== job.name}>Drop</button></form>
      {error !== undefined && <Failure error={error} />}
    </Modal>
  )
}

const whole = (n: number): string => (n < 1 ? '' : short(n))

function Charts({ job, past }: { job: Job; past: Run[] }) {
  const late = useQuery({ queryKey: ['delays', job.name, past[0]?.run], enabled: job.kind === 'COPY', queryFn: () => delays(job.name) })
  const drawn = useMemo(() => {
    const ordered = past.filter((r) => r.started && r.durationMs !== null).reverse()
    const of = (value: (r: Run) => number | null) => ordered.map(value)
    return {
      x: ordered.map((r) => secondsOf(r.started)),
      rate: [{ name: 'rows/s', values: of((r) => (Number(r.durationMs) > 0 ? (1000 * r.rows) / Number(r.durationMs) : 0)) }],
      rows: [{ name: 'rows', values: of((r) => r.rows), colour: 'c1' }],
      time: [{ name: 'run', values: of((r) => Number(r.durationMs)), colour: 'c2' }, { name: 'commit', values: of((r) => r.commitMs), colour: 'c3' }],
    }
  }, [past])
  const behind = useMemo(() => ({ x: (late.data ?? []).map((d) => d.at), series: [{ name: 'behind', values: (late.data ?? []).map((d) => d.seconds), colour: 'c4' }] }), [late.data])
  if (!drawn.x.length) return <p className="muted">It has not run yet.</p>
  return (
    <div className="charts">
      <figure><figcaption>Rows a second, by run</figcaption><Plot label="Rows a second" x={drawn.x} series={drawn.rate} sync="job" unit={whole} /></figure>
      <figure><figcaption>Rows of each run</figcaption><Plot label="Rows" x={drawn.x} series={drawn.rows} sync="job" unit={whole} isBars={drawn.x.length < 60} /></figure>
      {behind.x.length > 0 && <figure><figcaption>How far behind: from an event to its commit</figcaption><Plot label="Behind" x={behind.x} series={behind.series} sync="job" unit={(s) => duration(s * 1000)} /></figure>}
      <figure><figcaption>Time of a run and of its commit</figcaption><Plot label="Time" x={drawn.x} series={drawn.time} sync="job" unit={duration} /></figure>
    </div>
  )
}

export function Detail({ job }: { job: Job }) {
  const [tab, setTab] = useParam('tab', job.filesBad || job.error ? 'errors' : 'overview')
  const [isDropping, setDropping] = useState(false)
  const past = useQuery({ queryKey: ['runs', job.name], queryFn: () => runs(job.name), refetchInterval: 5000 })
  const faults = job.filesBad + job.dropped + (job.error ? 1 : 0)
  const figures: [string, string, string?][] = [
    [short(job.rows), 'rows'], [job.rate === null ? '–' : short(Number(job.rate)), 'rows a second'], [job.lagSeconds === null ? '–' : duration(job.lagSeconds * 1000), 'behind newest event'], [count(job.runs), 'runs'],
    [bytes(job.bytesIn), 'read'], [count(job.filesLoaded), 'files loaded'], [count(job.filesPending), 'files waiting'], [job.commitMs === null ? '–' : duration(Number(job.commitMs)), 'last commit took'], [count(job.dropped), 'kept out', job.dropped ? 'warn' : ''], [count(job.filesBad), 'bad files', job.filesBad ? 'err' : ''],
  ]
  return (
    <section className="panel" aria-label={job.name}>
      <header><h2>{job.name}</h2><Status job={job} /><span className="spacer" /><a className="button small" href={href('worksheets', '', { text: job.statement })}>SQL to worksheet</a><a className="button small" href={href('lineage', job.target)}>Lineage</a><button type="button" className="button small danger" onClick={() => setDropping(true)}>Drop…</button></header>
      <div className="kpis pad">{figures.map(([value, name, kind]) => <div key={name} className="kpi panel"><b className={kind}>{value}</b>{name}</div>)}</div>
      <Tabs label="Parts of the job" value={tab} onChange={setTab} tabs={[{ id: 'overview', label: 'Overview' }, { id: 'errors', label: faults ? `Errors · ${count(faults)}` : 'Errors' }, { id: 'runs', label: 'Runs' }, { id: 'sql', label: 'SQL' }]} />
      <div className="body">
        {tab === 'overview' && <Charts job={job} past={past.data ?? []} />}
        {tab === 'errors' && <Errors job={job} />}
        {tab === 'runs' && <Table name={`Runs of ${job.name}`} sql={`SELECT run, status, started, duration_ms, rows, CAST(rows * 1000 / nullif(duration_ms, 0) AS BIGINT) AS rows_per_second, files, bytes_in, bytes_out, commit_ms, rows_dropped, snapshot_id FROM system.monitoring.runs WHERE job_name = ${sqlText(job.name)} ORDER BY started DESC LIMIT 500`} />}
        {tab === 'sql' && <pre className="raw" tabIndex={0} role="region" aria-label="Text of the job">{job.statement}</pre>}
      </div>
      {isDropping && <Drop job={job} close={() => setDropping(false)} />}
    </section>
  )
}

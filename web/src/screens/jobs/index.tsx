/** Jobs: what each does, how far behind it is, what it could not read. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Pause, Play } from 'lucide-react'
import { useMemo, useState } from 'react'
import { bytes, cell, count, duration, short } from '../../api/format'
import { jobs, runs, type Job } from '../../api/lake'
import { ask, sqlName, sqlText } from '../../api/query'
import { go, href, useRoute } from '../../app/route'
import { Empty, Failure, Modal, Skeleton, Spark, Tabs } from '../../ui'
import { Plot } from '../../ui/Plot'
import { Table } from '../../ui/Table'

export function Status({ job }: { job: Job }) {
  const [kind, mark] = job.error ? ['err', '✖ Failing'] : job.isRunning ? ['ok', '● Running'] : ['muted', '❚❚ Paused']
  return <span className={kind}>{mark}</span>
}

export default function Jobs() {
  const route = useRoute()
  const list = useQuery({ queryKey: ['jobs'], queryFn: jobs, refetchInterval: 4000 })
  const recent = useQuery({ queryKey: ['recent-runs'], queryFn: () => ask({ language: 'sql', text: 'SELECT job_name, rows FROM system.monitoring.runs ORDER BY started DESC LIMIT 2000' }), refetchInterval: 8000 })
  const [filter, setFilter] = useState('')
  const sparks = useMemo(() => {
    const m = new Map<string, number[]>()
    for (const r of recent.data?.rows ?? []) {
      const l = m.get(String(r[0])) ?? []
      if (l.length < 20) l.unshift(Number(r[1]))
      m.set(String(r[0]), l)
    }
    return m
  }, [recent.data])
  if (list.isLoading) return <Skeleton />
  if (list.error) return <div className="page"><Failure error={list.error} retry={() => void list.refetch()} /></div>
  const all = list.data ?? []
  const chosen = all.find((j) => j.name === route.rest)
  if (!all.length) return <Empty title="No jobs yet" actions={<><a className="button primary" href="#/worksheets">Write one in a worksheet</a><a className="button" href="#/">Use sample data</a></>}>A job runs SQL again and again: it loads what arrives and keeps tables up to date.</Empty>
  return (
    <div className="page">
      <header><h1>Jobs</h1><span className="chip">All {all.length}</span><span className="chip">Running {all.filter((j) => j.isRunning && !j.error).length}</span><span className="chip">Failing {all.filter((j) => j.error).length}</span><span className="spacer" />
        <input className="field" aria-label="Filter jobs" placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} /><a className="button" href={href('worksheets', '', { text: 'SELECT * FROM system.monitoring.jobs' })}>View as SQL</a></header>
      <div className={`panel scroll ${chosen ? 'third' : ''}`} tabIndex={0} role="region" aria-label="Jobs">
        <table className="plain"><thead><tr><th>State</th><th>Job</th><th>Into</th><th>Rows a run</th><th className="num">Rows</th><th className="num">Rows/s</th><th className="num">Files waiting</th><th className="num">Bad files</th><th>Last commit</th><th><span className="visually-hidden">Do</span></th></tr></thead>
          <tbody>{all.filter((j) => j.name.includes(filter)).map((j) => (
            <tr key={j.name} aria-selected={j.name === route.rest}><td><Status job={j} /></td><td><a href={href('jobs', j.name)}>{j.name}</a></td><td><a href={href('datasets', j.target)}>{j.target.split('.').at(-1)}</a></td>
              <td><Spark values={sparks.get(j.name) ?? []} label={`rows of the last ${sparks.get(j.name)?.length ?? 0} runs`} /></td><td className="num">{short(j.rows)}</td><td className="num">{j.rate === null ? '' : short(Number(j.rate))}</td><td className="num">{count(j.filesPending)}</td>
              <td className="num">{j.filesBad > 0 ? <span className="err">{count(j.filesBad)}</span> : 0}</td><td className="mono">{cell(j.lastCommit).slice(0, 19)}</td><td><Doing job={j} /></td></tr>))}</tbody></table>
      </div>
      {chosen && <Detail key={chosen.name} job={chosen} />}
    </div>
  )
}

function Doing({ job }: { job: Job }) {
  const client = useQueryClient()
  const [error, setError] = useState<unknown>()
  const flip = async (): Promise<void> => {
    try {
      await ask({ language: 'sql', text: `${job.status === 'PAUSED' ? 'RESUME' : 'PAUSE'} JOB ${sqlName(job.name)}` })
      void client.invalidateQueries({ queryKey: ['jobs'] })
    } catch (e) {
      setError(e)
    }
  }
  return (
    <>
      <button type="button" className="button small" aria-label={`${job.status === 'PAUSED' ? 'Resume' : 'Pause'} ${job.name}`} onClick={() => void flip()}>{job.status === 'PAUSED' ? <><Play size={12} aria-hidden />Resume</> : <><Pause size={12} aria-hidden />Pause</>}</button>
      {error !== undefined && <Modal title={job.name} close={() => setError(undefined)}><Failure error={error} /></Modal>}
    </>
  )
}

function Drop({ job, close }: { job: Job; close: () => void }) {
  const [name, setName] = useState('')
  const [error, setError] = useState<unknown>()
  const client = useQueryClient()
  const drop = (): void => void ask({ language: 'sql', text: `DROP JOB ${sqlName(job.name)}` }).then(() => { close(); void client.invalidateQueries({ queryKey: ['jobs'] }); go('jobs') }, setError)
  return (
    <Modal title={`Drop ${job.name}`} close={close}>
      <p>The job stops and is forgotten; the rows that it loaded stay. Type its name to go on.</p>
      <div className="row"><input className="field mono" aria-label="Name of the job" value={name} onChange={(e) => setName(e.target.value)} /><button type="button" className="button danger" disabled={name !== job.name} onClick={drop}>Drop</button></div>
      {error !== undefined && <Failure error={error} />}
    </Modal>
  )
}

function Detail({ job }: { job: Job }) {
  const [tab, setTab] = useState(job.filesBad || job.error ? 'errors' : 'overview')
  const [isDropping, setDropping] = useState(false)
  const past = useQuery({ queryKey: ['runs', job.name], queryFn: () => runs(job.name), refetchInterval: 5000 })
  const chart = useMemo(() => {
    const ordered = [...(past.data ?? [])].filter((r) => r.started).reverse()
    const x = ordered.map((r) => Date.parse(`${String(r.started).replace(' ', 'T').replace(/Z?$/, 'Z')}`) / 1000)
    return { x, rows: [{ name: 'rows a run', values: ordered.map((r) => r.rows) }], time: [{ name: 'milliseconds a run', values: ordered.map((r) => (r.durationMs === null ? null : Number(r.durationMs))), colour: 'c2' }] }
  }, [past.data])
  return (
    <section className="panel" aria-label={job.name}>
      <header><h2>{job.name}</h2><Status job={job} /><span className="spacer" /><a className="button small" href={href('worksheets', '', { text: job.statement })}>SQL to worksheet</a><a className="button small" href={href('lineage', job.target)}>Lineage</a><button type="button" className="button small danger" onClick={() => setDropping(true)}>Drop…</button></header>
      <div className="kpis pad"><div className="kpi panel"><b>{short(job.rows)}</b>rows</div><div className="kpi panel"><b>{count(job.runs)}</b>runs</div><div className="kpi panel"><b>{bytes(job.bytesIn)}</b>read</div><div className="kpi panel"><b>{count(job.filesLoaded)}</b>files loaded</div><div className="kpi panel"><b>{count(job.filesPending)}</b>files waiting</div><div className="kpi panel"><b>{job.commitMs === null ? '–' : duration(Number(job.commitMs))}</b>last commit took</div><div className="kpi panel"><b className={job.filesBad ? 'err' : ''}>{count(job.filesBad)}</b>bad files</div></div>
      <Tabs label="Parts of the job" value={tab} onChange={setTab} tabs={[{ id: 'overview', label: 'Overview' }, { id: 'errors', label: `Errors ${job.filesBad + (job.error ? 1 : 0) || ''}` }, { id: 'runs', label: 'Runs' }, { id: 'sql', label: 'SQL' }]} />
      <div className="body">
        {tab === 'overview' && (chart.x.length ? <div className="two"><Plot label="Rows" x={chart.x} series={chart.rows} sync="job" isBars={chart.x.length < 60} /><Plot label="Time" x={chart.x} series={chart.time} sync="job" unit={duration} /></div> : <p className="muted">It has not run yet.</p>)}
        {tab === 'errors' && <Errors job={job} />}
        {tab === 'runs' && <Table name={`Runs of ${job.name}`} sql={`SELECT * FROM system.monitoring.runs WHERE job_name = ${sqlText(job.name)} ORDER BY started DESC LIMIT 500`} />}
        {tab === 'sql' && <pre className="raw" tabIndex={0}>{job.statement}</pre>}
      </div>
      {isDropping && <Drop job={job} close={() => setDropping(false)} />}
    </section>
  )
}

function Errors({ job }: { job: Job }) {
  const sql = `SELECT uri, line, reason, run FROM system.monitoring.failures WHERE job_name = ${sqlText(job.name)} LIMIT 1000`
  const q = useQuery({ queryKey: ['failures', job.name, job.filesBad], queryFn: () => ask({ language: 'sql', text: sql }) })
  if (q.error) return <Failure error={q.error} />
  if (!q.data) return <Skeleton lines={3} />
  const groups = new Map<string, unknown[][]>()
  for (const r of q.data.rows) {
    const signature = cell(r[2]).replace(/\d+/g, '#').replace(/'[^']*'/g, '‘…’')
    groups.set(signature, [...(groups.get(signature) ?? []), r])
  }
  if (!groups.size) return <p className="muted">Nothing failed.</p>
  return (
    <div className="column">{[...groups].map(([signature, rows]) => (
      <details key={signature} className="panel pad" open={groups.size < 4}><summary><b className="err">{count(rows.length)} ×</b> {cell(rows[0]![2])}</summary>
        <table className="plain"><thead><tr><th>File</th><th className="num">Line</th><th>Reason</th></tr></thead><tbody>{rows.slice(0, 50).map((r, i) => <tr key={i}><td className="mono">{cell(r[0]) || 'the job itself'}</td><td className="num">{cell(r[1])}</td><td>{cell(r[2])}</td></tr>)}</tbody></table></details>))}
      <div className="row"><a className="button small" href={href('worksheets', '', { text: sql })}>Open rows in worksheet</a></div>
    </div>
  )
}

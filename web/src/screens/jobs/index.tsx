/** Jobs: what each does, how far behind it is, what it could not read. */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { count, duration, short } from '../../api/format'
import { jobs } from '../../api/lake'
import { ask } from '../../api/query'
import { href, useRoute } from '../../app/route'
import { Empty, Failure, Skeleton, Spark, When } from '../../ui'
import { Detail } from './Detail'
import { Flip, Status } from './Status'
import './jobs.css'

const RECENT = 'SELECT job_name, rows, duration_ms FROM system.monitoring.runs ORDER BY started DESC LIMIT 2000'

/** Rows a second of the last runs of each job, oldest first. */
function useRates(): Map<string, number[]> {
  const recent = useQuery({ queryKey: ['recent-runs'], queryFn: () => ask({ language: 'sql', text: RECENT }), refetchInterval: 8000 })
  return useMemo(() => {
    const rates = new Map<string, number[]>()
    for (const [name, rows, ms] of recent.data?.rows ?? []) {
      const list = rates.get(String(name)) ?? []
      if (list.length < 20) list.unshift(Number(ms) > 0 ? (1000 * Number(rows)) / Number(ms) : 0)
      rates.set(String(name), list)
    }
    return rates
  }, [recent.data])
}

export default function Jobs() {
  const route = useRoute()
  const list = useQuery({ queryKey: ['jobs'], queryFn: jobs, refetchInterval: 4000 })
  const [filter, setFilter] = useState('')
  const rates = useRates()
  if (list.isLoading) return <Skeleton />
  if (list.error && !list.data) return <div className="page"><Failure error={list.error} retry={() => void list.refetch()} /></div>
  const all = list.data ?? []
  const chosen = all.find((j) => j.name === route.rest)
  if (!all.length) return <Empty title="No jobs yet" actions={<><a className="button primary" href="#/worksheets">Write one in a worksheet</a><a className="button" href="#/">Use sample data</a></>}>A job runs SQL again and again: it loads what arrives and keeps tables up to date.</Empty>
  return (
    <div className="page">
      <header><h1>Jobs</h1><span className="chip">All {all.length}</span><span className="chip ok">Running {all.filter((j) => j.isRunning && !j.error).length}</span><span className={`chip ${all.some((j) => j.error) ? 'err' : ''}`}>Failing {all.filter((j) => j.error).length}</span><span className="spacer" />
        <input className="field" aria-label="Filter jobs" data-search placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} /><a className="button" href={href('worksheets', '', { text: 'SELECT * FROM system.monitoring.jobs' })}>View as SQL</a></header>
      <div className={`panel scroll ${chosen ? 'third' : ''}`} tabIndex={0} role="region" aria-label="Jobs">
        <table className="plain jobs"><thead><tr><th>State</th><th>Job</th><th>Into</th><th>By run</th><th className="num">Rows/s</th><th className="num">Rows</th><th className="num">Behind</th><th className="num">Waiting</th><th className="num" title="Lines that could not be read and rows that an expectation dropped">Kept out</th><th className="num">Bad files</th><th>Last commit</th><th><span className="visually-hidden">Do</span></th></tr></thead>
          <tbody>{all.filter((j) => j.name.includes(filter)).map((j) => (
            <tr key={j.name} aria-selected={j.name === route.rest}>
              <td><Status job={j} /></td><td className="cut"><a href={href('jobs', j.name)} title={j.name}>{j.name}</a></td><td className="cut"><a href={href('datasets', j.target)} title={j.target}>{j.target.split('.').at(-1)}</a></td>
              <td><Spark values={rates.get(j.name) ?? []} width={56} label={`rows a second of the last ${rates.get(j.name)?.length ?? 0} runs`} /></td><td className="num">{j.rate === null ? '' : short(Number(j.rate))}</td><td className="num">{short(j.rows)}</td><td className="num">{j.lagSeconds === null ? '' : duration(j.lagSeconds * 1000)}</td><td className="num">{count(j.filesPending)}</td>
              <td className="num">{j.dropped > 0 ? <a className="warn" aria-label={`${count(j.dropped)} kept out of ${j.name}`} href={href('jobs', j.name, { tab: 'errors' })}>{count(j.dropped)}</a> : 0}</td>
              <td className="num">{j.filesBad > 0 ? <a className="err" aria-label={`${count(j.filesBad)} bad ${j.filesBad === 1 ? 'file' : 'files'} of ${j.name}`} href={href('jobs', j.name, { tab: 'errors' })}>{count(j.filesBad)}</a> : 0}</td><td className="mono"><When text={j.lastCommit} isShort /></td><td><Flip job={j} /></td></tr>))}</tbody></table>
      </div>
      {chosen && <Detail key={chosen.name} job={chosen} />}
    </div>
  )
}

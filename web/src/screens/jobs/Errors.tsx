/** What a job did not load and why, grouped by what is wrong, down to the line: what was kept out, files left out whole, the job's own fault. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { count } from '../../api/format'
import { type Job } from '../../api/lake'
import { ask, select, sqlName, sqlText } from '../../api/query'
import { href } from '../../app/route'
import { announce, Failure, Skeleton } from '../../ui'
import { Letters } from './Letters'
import { FileName, isText, Lines } from './Lines'

interface Fault { uri: string | null; line: number | null; reason: string; run: number | null }

function FaultRow({ job, fault }: { job: string; fault: Fault }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <tr>
        <td>{fault.uri ? <FileName uri={fault.uri} /> : 'the job itself'}</td><td className="num">{fault.line ?? ''}</td><td>{fault.reason}</td>
        <td>{fault.uri && isText(fault.uri) && <button type="button" className="button small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? 'Hide the file' : fault.line ? 'Show in file' : 'Show its beginning'}</button>}</td>
      </tr>
      {isOpen && <tr><td colSpan={4}><Lines job={job} uri={fault.uri!} line={fault.line} /></td></tr>}
    </>
  )
}

function Files({ job, faults }: { job: Job; faults: Fault[] }) {
  const groups = new Map<string, Fault[]>()
  for (const f of faults) {
    const kind = f.reason.replace(/\d+/g, '#').replace(/'[^']*'/g, '‘…’')
    groups.set(kind, [...(groups.get(kind) ?? []), f])
  }
  return (
    <section className="column" aria-label="Left out whole">
      <div className="row"><h3>Left out whole · {count(faults.length)}</h3><span className="muted">nothing of them is loaded; each is tried again when it changes</span></div>
      {[...groups].map(([kind, of]) => (
        <details key={kind} className="panel pad" open={groups.size < 4}><summary><b className="err">{count(of.length)} ×</b> {of[0]!.reason}</summary>
          <div className="scroll" tabIndex={0} role="region" aria-label={of[0]!.reason}><table className="plain"><thead><tr><th>File</th><th className="num">Line</th><th>Reason</th><th><span className="visually-hidden">Look</span></th></tr></thead><tbody>{of.slice(0, 50).map((f, i) => <FaultRow key={i} job={job.name} fault={f} />)}</tbody></table></div>
          {of.length > 50 && <p className="muted">The first 50 of {count(of.length)}.</p>}</details>))}
    </section>
  )
}

function Replay({ job }: { job: Job }) {
  const client = useQueryClient()
  const [said, setSaid] = useState('')
  const [error, setError] = useState<unknown>()
  const replay = async (): Promise<void> => {
    setError(undefined)
    try {
      await ask({ language: 'sql', text: `REPLAY JOB ${sqlName(job.name)}` })
      setSaid('They are tried again at the next run.')
      announce('They are tried again at the next run.')
      void client.invalidateQueries({ queryKey: ['jobs'] })
    } catch (e) {
      setError(e)
    }
  }
  return (
    <>
      <div className="row"><button type="button" className="button small" onClick={() => void replay()}>Try them again</button>
        {said ? <span className="ok" role="status">{said}</span> : <span className="muted">After the file or the expectation was mended: what passes then is loaded, once.</span>}</div>
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

export function Errors({ job }: { job: Job }) {
  const sql = `SELECT uri, line, reason, run FROM system.monitoring.failures WHERE job_name = ${sqlText(job.name)} ORDER BY uri LIMIT 1000`
  const q = useQuery({ queryKey: ['failures', job.name, job.filesBad, job.error], placeholderData: (old) => old, queryFn: () => select<Fault>(sql) })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton lines={3} />
  const [own, files] = [q.data.filter((f) => f.uri === null), q.data.filter((f) => f.uri !== null)]
  if (!q.data.length && !job.dropped) return <p className="muted">Everything that was read has been loaded.</p>
  return (
    <div className="column errors">
      {own.map((f, i) => <div key={i} className="failure" role="alert"><strong>The last run failed; it is tried again by itself</strong><pre>{f.reason}</pre></div>)}
      {files.length > 0 && <Files job={job} faults={files} />}
      {job.dropped > 0 && <Letters job={job} />}
      {(files.length > 0 || job.dropped > 0) && <Replay job={job} />}
      {q.data.length > 0 && <div className="row"><a className="button small" href={href('worksheets', '', { text: sql })}>Failures as SQL</a></div>}
    </div>
  )
}

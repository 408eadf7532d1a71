/** What a job could not read, grouped by what is wrong, down to the line of the file. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { json } from '../../api/client'
import { count } from '../../api/format'
import { tables, type Job } from '../../api/lake'
import { ask, select, sqlName, sqlText } from '../../api/query'
import { href } from '../../app/route'
import { announce, Failure, Skeleton } from '../../ui'

interface Fault { uri: string | null; line: number | null; reason: string; run: number | null }
interface Letter { file: string; line: number | null; row: number; reason: string; expectation: string; record: string }
interface Line { line: number; text: string }

/** The line at fault with those around it. */
function Lines({ job, fault }: { job: string; fault: Fault }) {
  const at = fault.line ?? 1
  const q = useQuery({ queryKey: ['lines', job, fault.uri, at], retry: false, queryFn: () => json<{ lines: Line[] }>('GET', `/api/source/lines?${new URLSearchParams({ job, uri: fault.uri ?? '', line: String(at) })}`) })
  if (q.error) return <Failure error={q.error} />
  if (!q.data) return <Skeleton lines={3} />
  return <ol className="lines" aria-label={`Lines around ${at}`}>{q.data.lines.map((l) => <li key={l.line} className={l.line === fault.line ? 'at' : ''}><b>{l.line}</b><code>{l.text || ' '}</code></li>)}</ol>
}

function FaultRow({ job, fault }: { job: string; fault: Fault }) {
  const [isOpen, setOpen] = useState(false)
  const isText = fault.uri !== null && !/\.parquet$/i.test(fault.uri)
  return (
    <>
      <tr>
        <td className="mono wrap">{fault.uri ? decodeURI(fault.uri.replace(/^file:\/\//, '')) : 'the job itself'}</td><td className="num">{fault.line ?? ''}</td><td>{fault.reason}</td>
        <td>{isText && <button type="button" className="button small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? 'Hide' : 'Show'} the line</button>}</td>
      </tr>
      {isOpen && <tr><td colSpan={4}><Lines job={job} fault={fault} /></td></tr>}
    </>
  )
}

/** Rows that expectations kept out: the dead letters beside the job's target. */
function Letters({ job }: { job: Job }) {
  const name = `${job.name.replace(/[^A-Za-z0-9]/g, '_')}_dead_letters`
  const q = useQuery({
    queryKey: ['letters', job.name, job.dropped], retry: false,
    queryFn: async () => {
      const table = (await tables()).find((t) => t.name === name)
      if (!table) return undefined
      const from = [table.catalog, table.schema, table.name].map(sqlName).join('.')
      return { from, rows: await select<Letter>(`SELECT file, line, row, reason, expectation, record FROM ${from} LIMIT 100`) }
    },
  })
  if (q.error) return <Failure error={q.error} />
  if (!q.data?.rows.length) return null
  return (
    <section className="panel pad column" aria-label="Rows kept out">
      <div className="row"><h3>Rows that expectations kept out</h3><span className="spacer" /><a className="button small" href={href('worksheets', '', { text: `SELECT * FROM ${q.data.from}` })}>All of them as SQL</a></div>
      <div className="scroll" tabIndex={0} role="region" aria-label="Rows kept out, a list"><table className="plain"><thead><tr><th>Expectation</th><th>Reason</th><th>File</th><th className="num">Line</th><th>Row</th></tr></thead>
        <tbody>{q.data.rows.map((r, i) => <tr key={i}><td>{r.expectation}</td><td>{r.reason}</td><td className="mono wrap">{r.file}</td><td className="num">{r.line ?? r.row}</td><td><code className="wrap">{r.record}</code></td></tr>)}</tbody></table></div>
    </section>
  )
}

export function Errors({ job }: { job: Job }) {
  const sql = `SELECT uri, line, reason, run FROM system.monitoring.failures WHERE job_name = ${sqlText(job.name)} ORDER BY uri LIMIT 1000`
  const q = useQuery({ queryKey: ['failures', job.name, job.filesBad, job.error], queryFn: () => select<Fault>(sql) })
  const [replayed, setReplayed] = useState<unknown>()
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton lines={3} />
  const groups = new Map<string, Fault[]>()
  for (const f of q.data) {
    const signature = f.reason.replace(/\d+/g, '#').replace(/'[^']*'/g, '‘…’')
    groups.set(signature, [...(groups.get(signature) ?? []), f])
  }
  const replay = (): void => void ask({ language: 'sql', text: `REPLAY JOB ${sqlName(job.name)}` }).then(() => { setReplayed('They are tried again at the next run.'); announce('They are tried again at the next run.') }, setReplayed)
  return (
    <div className="column">
      {!groups.size && <p className="muted">Nothing failed.</p>}
      {[...groups].map(([signature, faults]) => (
        <details key={signature} className="panel pad" open={groups.size < 4}><summary><b className="err">{count(faults.length)} ×</b> {faults[0]!.reason}</summary>
          <table className="plain"><thead><tr><th>File</th><th className="num">Line</th><th>Reason</th><th><span className="visually-hidden">Look</span></th></tr></thead><tbody>{faults.slice(0, 50).map((f, i) => <FaultRow key={i} job={job.name} fault={f} />)}</tbody></table>
          {faults.length > 50 && <p className="muted">The first 50 of {count(faults.length)}.</p>}</details>))}
      <Letters job={job} />
      <div className="row">
        <a className="button small" href={href('worksheets', '', { text: sql })}>Open rows in worksheet</a>
        {(groups.size > 0 || job.dropped > 0) && <button type="button" className="button small" onClick={replay}>Try them again</button>}
        {typeof replayed === 'string' && <span className="ok" role="status">{replayed}</span>}
      </div>
      {replayed instanceof Error && <Failure error={replayed} />}
    </div>
  )
}

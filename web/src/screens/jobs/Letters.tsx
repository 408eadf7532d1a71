/** What was kept out of a job's table, line by line: those that could not be read and those that an expectation dropped. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { count } from '../../api/format'
import { lettersOf, tables, type Job } from '../../api/lake'
import { select, sqlName } from '../../api/query'
import { href } from '../../app/route'
import { Failure, Skeleton } from '../../ui'
import { FileName, isText, Lines } from './Lines'

interface Letter { file: string; line: number | null; row: number; reason: string; expectation: string | null; record: string; kind: string; in_kind: number; in_all: number }

const SHOWN = 50
/** Reasons that differ only in numbers and in what was found are one kind. */
const KIND = `regexp_replace(regexp_replace(reason, '''[^'']*''', '‘…’', 'g'), '\\d+', '#', 'g')`

async function letters(job: Job): Promise<{ table: string; rows: Letter[] } | undefined> {
  const name = lettersOf(job.name)
  const place = job.target.slice(0, job.target.lastIndexOf('.'))
  const table = (await tables()).find((t) => t.name === name && `${t.catalog}.${t.schema}` === place)
  if (!table) return undefined
  const from = [table.catalog, table.schema, table.name].map(sqlName).join('.')
  const rows = await select<Letter>(`WITH l AS (SELECT file, line, "row", reason, expectation, record, coalesce(expectation, '') || ${KIND} AS kind FROM ${from})
SELECT *, count(*) OVER (PARTITION BY kind) AS in_kind, count(*) OVER () AS in_all FROM l
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY file, "row") <= ${SHOWN} ORDER BY expectation IS NOT NULL, in_kind DESC, kind, file, "row" LIMIT 1000`)
  return { table: table.full, rows }
}

function LetterRow({ job, letter }: { job: string; letter: Letter }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <tr>
        <td><FileName uri={letter.file} /></td><td className="num">{letter.line ?? `row ${letter.row}`}</td><td>{letter.reason}</td><td><code className="wrap stood">{letter.record}</code></td>
        <td>{letter.line !== null && isText(letter.file) && <button type="button" className="button small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? 'Hide the file' : 'Show in file'}</button>}</td>
      </tr>
      {isOpen && <tr><td colSpan={5}><Lines job={job} uri={letter.file} line={letter.line} /></td></tr>}
    </>
  )
}

export function Letters({ job }: { job: Job }) {
  const q = useQuery({ queryKey: ['letters', job.name, job.dropped, job.runs], retry: false, placeholderData: (old) => old, queryFn: () => letters(job) })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (q.isLoading) return <Skeleton lines={3} />
  if (!q.data) return <p className="muted">{count(job.dropped)} rows were dropped by expectations. <a href={href('worksheets', '', { text: 'SELECT * FROM system.monitoring.expectations' })}>Their counts by expectation</a>; only COPY jobs keep the rows themselves.</p>
  const { table, rows } = q.data
  if (!rows.length) return <p className="muted">Nothing is kept out any more: what was has been loaded since.</p>
  const kinds = [...new Set(rows.map((r) => r.kind))].map((k) => rows.filter((r) => r.kind === k))
  return (
    <section className="column" aria-label="Kept out">
      <div className="row"><h3>Kept out of the table · {count(rows[0]!.in_all)}</h3><span className="muted">the other lines of these files are loaded</span><span className="spacer" />
        <a className="button small" href={href('datasets', table)}>Dead-letter table</a><a className="button small" href={href('worksheets', '', { text: `SELECT * FROM ${table.split('.').map(sqlName).join('.')} ORDER BY file, "row"` })}>All of them as SQL</a></div>
      {kinds.map((of) => (
        <details key={of[0]!.kind} className="panel pad" open={kinds.length < 4}>
          <summary><b className="warn">{count(of[0]!.in_kind)} ×</b> {of[0]!.reason} <span className="chip">{of[0]!.expectation === null ? 'cannot be read' : `expectation ${of[0]!.expectation}`}</span></summary>
          <div className="scroll" tabIndex={0} role="region" aria-label={of[0]!.reason}><table className="plain"><thead><tr><th>File</th><th className="num">Line</th><th>Reason</th><th>What stands there</th><th><span className="visually-hidden">Look</span></th></tr></thead>
            <tbody>{of.map((l) => <LetterRow key={`${l.file} ${l.row}`} job={job.name} letter={l} />)}</tbody></table></div>
          {of[0]!.in_kind > of.length && <p className="muted">The first {count(of.length)} of {count(of[0]!.in_kind)}.</p>}
        </details>))}
    </section>
  )
}

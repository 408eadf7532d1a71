/** What the columns of a table hold: kept by the server as rows are loaded, a histogram and the types over time with each. */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { clock, count, secondsOf, short } from '../../api/format'
import { columnFacts, histograms, topValues, type Bin, type ColumnFacts, type Table, type TopValue } from '../../api/lake'
import { sqlName } from '../../api/query'
import { href } from '../../app/route'
import { Failure, Skeleton, When } from '../../ui'

interface Whole { facts: ColumnFacts; bins: Bin[]; top: TopValue[] }
interface Was { type: string; since: string }

/** "int since T, long since T" */
export const typesOf = (text: string | null): Was[] => (text ?? '').split(', ').flatMap((part) => { const [type = '', since = ''] = part.split(' since '); return type ? [{ type, since }] : [] })

function useColumns(table: Table) {
  return useQuery({
    queryKey: ['column-facts', table.full, table.rows], staleTime: 5000, refetchInterval: (q) => (Number(q.state.data?.[0]?.facts.rows ?? 0) < table.rows ? 2000 : false),
    queryFn: async (): Promise<Whole[]> => {
      const [facts, bins, top] = await Promise.all([columnFacts(table.full), histograms(table.full), topValues(table.full)])
      return facts.map((f) => ({ facts: f, bins: bins.filter((b) => b.column_name === f.column_name), top: top.filter((t) => t.column_name === f.column_name) }))
    },
  })
}

/** Each range doubles the one before, so bars of equal width are a logarithmic axis. Without ranges: the frequent values. */
function Distribution({ column, width = 120, height = 20 }: { column: Whole; width?: number; height?: number }) {
  const bars = column.bins.length ? column.bins.map((b) => ({ n: Number(b.count), what: `${short(b.low)} to ${short(b.high)}: ${count(Number(b.count))}` })) : column.top.slice(0, 24).map((t) => ({ n: Number(t.count), what: `${t.value ?? 'null'}: ${count(Number(t.count))}` }))
  const top = Math.max(1, ...bars.map((b) => b.n))
  const step = Math.min(24, width / Math.max(1, bars.length))
  return (
    <svg width={width} height={height} role="img" aria-label={`Distribution of ${column.facts.column_name}: ${bars.length} ${column.bins.length ? 'ranges' : 'frequent values'}`}>
      {bars.map((b, i) => <rect key={i} x={i * step} width={Math.max(1, step - 1)} y={height - Math.max(1, (height * b.n) / top)} height={Math.max(1, (height * b.n) / top)} fill={column.bins.length ? 'var(--accent)' : 'var(--c1)'}><title>{b.what}</title></rect>)}
    </svg>
  )
}

export function Columns({ table, name }: { table: Table; name: string }) {
  const q = useColumns(table)
  const [open, setOpen] = useState('')
  const chosen = q.data?.find((c) => c.facts.column_name === open)
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton />
  if (!q.data.length) return <p className="muted" role="status">The statistics of this table are being made: they follow its commits.</p>
  const seen = Number(q.data[0]!.facts.rows)
  const error = Number(q.data[0]!.facts.distinct_error)
  return (
    <div className={chosen ? 'columns-two' : ''}>
      <div>
        <p className="muted">Of all {count(seen)} rows that were loaded{seen < table.rows ? ` so far (the table has ${count(table.rows)})` : ''}; distinct values are estimates (±{(100 * error).toFixed(1)} %). Open a column for its values, ranges and types.</p>
        <div className="scroll" tabIndex={0} role="region" aria-label="Columns"><table className="plain columns"><thead><tr><th>Column</th><th>Type</th><th className="num">Null</th><th className="num">Distinct</th><th>Distribution</th><th>Most frequent</th><th>Least … most</th></tr></thead>
          <tbody>{q.data.map((c) => {
            const f = c.facts
            const types = typesOf(f.types)
            const most = c.top[0]
            return (
              <tr key={f.column_name} aria-selected={open === f.column_name}>
                <td><button type="button" className="button quiet small mono" aria-expanded={open === f.column_name} onClick={() => setOpen(open === f.column_name ? '' : f.column_name)}>{f.column_name}</button></td>
                <td className="mono nowrap">{f.type}{types.length > 1 && <span className="chip" title={f.types ?? ''}>was {types.at(-2)!.type}</span>}</td>
                <td className="num nowrap">{(100 * (Number(f.nulls) / Math.max(1, Number(f.rows)))).toFixed(1)} %</td><td className="num">{short(Number(f.distinct_values))}</td>
                <td><Distribution column={c} /></td>
                <td className="mono cut">{most && <>{most.value ?? 'null'} <small className="muted">{((100 * Number(most.count)) / Math.max(1, Number(f.rows))).toFixed(0)} %</small></>}</td>
                <td className="mono cut" title={`${f.min ?? ''} … ${f.max ?? ''}`}>{f.min === null ? '' : `${f.min} … ${f.max}`}</td>
              </tr>)
          })}</tbody></table></div>
      </div>
      {chosen && <One key={open} column={chosen} name={name} close={() => setOpen('')} />}
    </div>
  )
}

function One({ column, name, close }: { column: Whole; name: string; close: () => void }) {
  const f = column.facts
  const c = sqlName(f.column_name)
  const most = Math.max(1, ...column.top.map((t) => Number(t.count)))
  const types = useMemo(() => typesOf(f.types), [f.types])
  return (
    <section className="panel pad column" aria-label={`Column ${f.column_name}`}>
      <div className="row"><h3>{f.column_name}</h3><span className="spacer" /><button type="button" className="button small" onClick={close}>Close</button></div>
      <dl className="facts"><dt>Least</dt><dd>{f.min ?? '–'}</dd><dt>Most</dt><dd>{f.max ?? '–'}</dd><dt>Null</dt><dd>{count(Number(f.nulls))}</dd><dt>First seen</dt><dd><When text={f.first_seen} /></dd><dt>Last seen</dt><dd><When text={f.last_seen} /></dd></dl>
      {column.bins.length > 0 && <figure><Distribution column={column} width={300} height={70} /><figcaption className="row muted"><span>{short(column.bins[0]!.low)}</span><span className="spacer" /><span>each range is twice the one before</span><span className="spacer" /><span>{short(column.bins.at(-1)!.high)}</span></figcaption></figure>}
      <h3>Types over time</h3>
      <ol className="types">{types.map((t, i) => <li key={i}><code>{t.type}</code> <span className="muted">since {t.since ? clock(secondsOf(t.since)) : 'the beginning'}</span></li>)}</ol>
      <h3>Frequent values</h3>
      <table className="plain"><tbody>{column.top.slice(0, 12).map((t, i) => <tr key={i}><td className="mono cut">{t.value === null ? <i className="muted">null</i> : t.value}</td><td className="num">{Number(t.count_error) > 0 ? '≤ ' : ''}{count(Number(t.count))}</td><td className="half"><div className="meter" style={{ width: `${(100 * Number(t.count)) / most}%` }} /></td></tr>)}</tbody></table>
      <div className="row"><a className="button small" href={href('worksheets', '', { text: `SELECT ${c}, count(*) AS n\nFROM ${name}\nGROUP BY 1 ORDER BY 2 DESC LIMIT 100` })}>All values as SQL</a><a className="button small" href={href('worksheets', '', { text: `SELECT * FROM ${name}\nWHERE ${c} IS NULL LIMIT 100` })}>Rows where it is null</a></div>
    </section>
  )
}

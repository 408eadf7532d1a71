/** The commits of a table, newest first: what each added and took away, and how the table stood after it. */
import { useQuery } from '@tanstack/react-query'
import { bytes, count } from '../../api/format'
import { snapshots, type Table } from '../../api/lake'
import { href } from '../../app/route'
import { Failure, Skeleton, When } from '../../ui'

const signed = (n: number | null, sign: string): string => (n ? `${sign}${count(n)}` : '')

export function Snapshots({ table }: { table: Table }) {
  const q = useQuery({ queryKey: ['snapshots', table.full, table.snapshots, table.lastCommit], queryFn: () => snapshots(table.full) })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton lines={4} />
  if (!q.data.snapshots.length) return <p className="muted">Nothing was committed yet.</p>
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Snapshots"><table className="plain"><thead><tr><th>Committed</th><th>Operation</th><th className="num">Rows</th><th className="num">Files</th><th className="num">Rows after</th><th className="num">Files after</th><th className="num">Size after</th><th>Snapshot</th><th><span className="visually-hidden">Look</span></th></tr></thead>
      <tbody>{q.data.snapshots.map((s) => (
        <tr key={s.id}><td className="mono"><When text={s.committed} /></td><td>{s.operation}{s.isCurrent && <span className="chip ok">current</span>}{s.refs.filter((r) => r !== 'main').map((r) => <span key={r} className="chip">{r}</span>)}</td>
          <td className="num"><span className="ok">{signed(s.addedRows, '+')}</span> <span className="err">{signed(s.deletedRows, '−')}</span></td><td className="num"><span className="ok">{signed(s.addedFiles, '+')}</span> <span className="err">{signed(s.deletedFiles, '−')}</span></td>
          <td className="num">{s.totalRows === null ? '' : count(s.totalRows)}</td><td className="num">{s.totalFiles === null ? '' : count(s.totalFiles)}</td><td className="num">{s.totalBytes === null ? '' : bytes(s.totalBytes)}</td><td className="mono">{s.id}</td>
          <td><a className="button small" href={href('datasets', table.full, { tab: 'files', asOf: s.id })}>Files then</a></td></tr>))}</tbody></table></div>
  )
}

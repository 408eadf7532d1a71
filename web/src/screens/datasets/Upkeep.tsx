/** Upkeep: how the table stands, what the last rewrites changed, and doing it now. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { json } from '../../api/client'
import { bytes, count, duration } from '../../api/format'
import { figures, keepUp, snapshots, type Figures, type Table } from '../../api/lake'
import { announce, Failure, Loading, Skeleton, When } from '../../ui'

const ROWS: [string, (f: Figures) => string][] = [
  ['Data files', (f) => count(f.files)], ['Size', (f) => bytes(f.bytes)], ['Rows', (f) => count(f.rows)], ['Delete files', (f) => count(f.deleteFiles)], ['Deleted rows still there', (f) => count(f.deletedRows)],
  ['Manifests', (f) => `${count(f.manifests)} (${bytes(f.manifestBytes)})`], ['Snapshots', (f) => count(f.snapshots)], ['Planning a scan takes', (f) => f.planUs < 1000 ? `${f.planUs} µs` : duration(f.planUs / 1000)],
]

/** Stop it where every running thing can be stopped. */
async function stop(table: string): Promise<void> {
  const { queries } = await json<{ queries: { id: string; text: string }[] }>('GET', '/api/query')
  for (const q of queries) if (q.text === `upkeep of ${table}`) await json('DELETE', `/api/query/${q.id}`).catch(() => undefined)
}

export function Upkeep({ table }: { table: Table }) {
  const client = useQueryClient()
  const now = useQuery({ queryKey: ['figures', table.full, table.lastCommit], queryFn: () => figures(table.full) })
  const past = useQuery({ queryKey: ['snapshots', table.full, table.snapshots, table.lastCommit], queryFn: () => snapshots(table.full) })
  const work = useMutation({
    mutationFn: () => keepUp(table.full),
    onSuccess: (r) => { announce(`Upkeep is done: ${r.filesRewritten} files rewritten`); for (const k of ['tables', 'figures', 'snapshots', 'files']) void client.invalidateQueries({ queryKey: [k] }) },
  })
  const rewrites = (past.data?.snapshots ?? []).filter((s) => s.operation === 'replace')
  if (now.error) return <Failure error={now.error} retry={() => void now.refetch()} />
  if (!now.data) return <Skeleton lines={4} />
  const r = work.data
  return (
    <div className="column">
      <div className="row"><button type="button" className="button primary" disabled={work.isPending} onClick={() => work.mutate()}>Do the upkeep now</button><span className="muted">Small files become large sorted ones, deletes are resolved, old snapshots and garbage go. The server does it by itself every ten minutes.</span></div>
      {work.isPending && <Loading what="Rewriting, expiring, cleaning up" cancel={() => void stop(table.full)} />}
      {work.error && <Failure error={work.error} />}
      <table className="plain narrow" aria-label="Figures of upkeep"><thead><tr><th>Figure</th>{r ? <><th className="num">Before</th><th className="num">After</th></> : <th className="num">Now</th>}</tr></thead>
        <tbody>{ROWS.map(([name, show]) => <tr key={name}><td>{name}</td>{r ? <><td className="num">{show(r.before)}</td><td className="num">{show(r.after)}</td></> : <td className="num">{show(now.data)}</td>}</tr>)}</tbody></table>
      {r && <p role="status">{count(r.filesRewritten)} files rewritten ({bytes(r.bytesRewritten)}), {count(r.snapshotsExpired)} snapshots expired, {count(r.filesDeleted)} files deleted ({bytes(r.bytesDeleted)}), {count(r.rowsRetired)} rows past their retention{r.conflicts ? `, ${count(r.conflicts)} conflicts with writers` : ''}.</p>}
      <h3>Rewrites so far</h3>
      {rewrites.length === 0 ? <p className="muted">None yet: there was nothing to bring together.</p> : (
        <table className="plain narrow" aria-label="Rewrites"><thead><tr><th>When</th><th className="num">Files before</th><th className="num">Files after</th><th className="num">Removed</th><th className="num">Written</th></tr></thead>
          <tbody>{rewrites.slice(0, 50).map((s) => <tr key={s.id}><td className="mono"><When text={s.committed} /></td><td className="num">{s.totalFiles === null ? '' : count(s.totalFiles - (s.addedFiles ?? 0) + (s.deletedFiles ?? 0))}</td><td className="num">{s.totalFiles === null ? '' : count(s.totalFiles)}</td><td className="num">{bytes(s.removedBytes ?? 0)}</td><td className="num">{bytes(s.addedBytes ?? 0)}</td></tr>)}</tbody></table>)}
    </div>
  )
}

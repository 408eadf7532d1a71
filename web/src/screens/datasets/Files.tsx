/** The table's own files, and those that its jobs have loaded. */
import { useQuery } from '@tanstack/react-query'
import { bytes, count } from '../../api/format'
import { dataFiles, type Table as Lake } from '../../api/lake'
import { useParam } from '../../app/route'
import { Failure, Skeleton } from '../../ui'
import { Grid } from '../../ui/Grid'
import { Table } from '../../ui/Table'

const COLUMNS = [['kind', 'VARCHAR'], ['file', 'VARCHAR'], ['rows', 'BIGINT'], ['size', 'BIGINT'], ['deletes', 'BIGINT'], ['sequence', 'BIGINT']].map(([name, type]) => ({ name: name!, type: type! }))

export function Files({ table, writes }: { table: Lake; writes: string }) {
  const [asOf, setAsOf] = useParam('asOf', '')
  const q = useQuery({ queryKey: ['files', table.full, table.lastCommit, asOf], queryFn: () => dataFiles(table.full, asOf) })
  return (
    <div className="column">
      {q.error && <Failure error={q.error} retry={() => void q.refetch()} />}
      {!q.data && !q.error && <Skeleton lines={3} />}
      {q.data && <>
        <div className="row"><h3>Files of the table{asOf && ` at snapshot ${asOf}`}</h3>{asOf && <button type="button" className="button small" onClick={() => setAsOf('')}>Show the current ones</button>}</div>
        <p className="muted">{count(q.data.count)} files, {bytes(q.data.files.reduce((sum, f) => sum + f.bytes, 0))}{q.data.count > q.data.files.length ? ` in the first ${count(q.data.files.length)}, which are shown` : ''}; {count(q.data.files.filter((f) => f.kind !== 'data').length)} of them say what is deleted.</p>
        {q.data.files.length > 0 && <div className="boxed" style={{ height: Math.min(320, 44 + q.data.files.length * 28) }}><Grid label="Files of the table" columns={COLUMNS} rows={q.data.files.map((f) => [f.kind, f.file, f.rows, f.bytes, f.deletes, f.sequenceNumber])} /></div>}
      </>}
      <h3>Files that jobs have loaded into it</h3>
      <Table name="Files that jobs have loaded" most={320} sql={`SELECT f.uri, f.status, f.size, f.event_time, f.run, f.reason FROM system.monitoring.files f JOIN system.monitoring.jobs j ON j.job_name = f.job_name WHERE j.target LIKE ${writes} ORDER BY f.event_time DESC LIMIT 2000`} />
    </div>
  )
}

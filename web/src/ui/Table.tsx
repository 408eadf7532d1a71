/** The answer of one SQL text as a table. */
import { useQuery } from '@tanstack/react-query'
import { ask } from '../api/query'
import { Grid } from './Grid'
import { Failure, Skeleton } from './index'

export function Table({ sql, name, most = 420 }: { sql: string; name: string; most?: number }) {
  const q = useQuery({ queryKey: ['table', sql], queryFn: ({ signal }) => ask({ language: 'sql', text: sql, limit: 5000 }, signal) })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton lines={4} />
  if (!q.data.rows.length) return <p className="muted">No rows.</p>
  return <div style={{ height: Math.min(most, 44 + q.data.rows.length * 28), display: 'flex' }}><Grid label={name} columns={q.data.columns} rows={q.data.rows} /></div>
}

/** The lines of a file around the one at fault, as the file has them. */
import { useQuery } from '@tanstack/react-query'
import { json } from '../../api/client'
import { Failure, Skeleton } from '../../ui'

interface Line { line: number; text: string }

export function Lines({ job, uri, line }: { job: string; uri: string; line: number | null }) {
  const at = line ?? 1
  const q = useQuery({ queryKey: ['lines', job, uri, at], retry: false, queryFn: () => json<{ lines: Line[]; broken?: string }>('GET', `/api/source/lines?${new URLSearchParams({ job, uri, line: String(at) })}`) })
  if (q.error) return <Failure error={q.error} />
  if (!q.data) return <Skeleton lines={3} />
  return (
    <>
      <ol className="lines" aria-label={`Lines around ${at}`}>{q.data.lines.map((l) => <li key={l.line} className={l.line === line ? 'at' : ''}><b>{l.line}</b><code>{l.text || ' '}</code></li>)}</ol>
      {q.data.broken && <p className="err">After this: {q.data.broken}</p>}
    </>
  )
}

/** A file's name first, then the folder it lies in. */
export function FileName({ uri }: { uri: string }) {
  const path = uri.startsWith('file://') ? decodeURI(uri.slice(7)) : uri
  const cut = path.lastIndexOf('/') + 1
  return <span className="file mono" title={path}>{path.slice(cut)}<small>{path.slice(0, cut)}</small></span>
}

/** Text can be looked into. */
export const isText = (uri: string): boolean => !/\.(parquet|avro|orc)$/i.test(uri)

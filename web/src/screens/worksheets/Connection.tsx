/** A connection of the tree: open it and see the folders and files that lie there. */
import { useQuery } from '@tanstack/react-query'
import { ChevronDown, ChevronRight, File, Folder, Plug } from 'lucide-react'
import { useState } from 'react'
import { json } from '../../api/client'
import { bytes, count } from '../../api/format'
import type { Connection as Known } from '../../api/lake'
import { Failure, Skeleton } from '../../ui'

interface Entry { name: string; objects: number; bytes: number }
const list = (connection: string, path: string) => json<{ isCut: boolean; entries: Entry[] }>('GET', `/api/source/list?${new URLSearchParams({ connection, path })}`)

function Level({ connection, path, insert }: { connection: string; path: string; insert: (text: string) => void }) {
  const q = useQuery({ queryKey: ['source', connection, path], queryFn: () => list(connection, path), staleTime: 30000, retry: false })
  if (q.error) return <Failure error={q.error} retry={() => void q.refetch()} />
  if (!q.data) return <Skeleton lines={2} />
  if (!q.data.entries.length) return <p className="muted pad">Nothing lies there yet.</p>
  return (
    <ul>
      {q.data.entries.slice(0, 200).map((e) => <Item key={e.name} connection={connection} path={path} entry={e} insert={insert} />)}
      {(q.data.isCut || q.data.entries.length > 200) && <li className="muted pad">… and more: the first 200 are shown</li>}
    </ul>
  )
}

function Item({ connection, path, entry, insert }: { connection: string; path: string; entry: Entry; insert: (text: string) => void }) {
  const [isOpen, setOpen] = useState(false)
  const own = `${path}${path && !path.endsWith('/') ? '/' : ''}${entry.name}`
  if (!entry.name.endsWith('/')) return <li><button type="button" className="node" title={`${own} · insert`} onClick={() => insert(own)}><File size={13} aria-hidden /><span>{entry.name}</span><small>{bytes(entry.bytes)}</small></button></li>
  return (
    <li>
      <button type="button" className="node" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />}<Folder size={13} aria-hidden /><span>{entry.name}</span><small title={`${count(entry.objects)} files below`}>{count(entry.objects)}</small></button>
      {isOpen && <Level connection={connection} path={own} insert={insert} />}
    </li>
  )
}

/** `places`: where jobs read from it; an S3 connection has no root of its own. */
export function Connection({ connection, places, insert }: { connection: Known; places: string[]; insert: (text: string) => void }) {
  const [isOpen, setOpen] = useState(false)
  const hasFiles = connection.type === 'FILE' || (connection.type === 'S3' && places.length > 0)
  return (
    <li>
      <button type="button" className="node" aria-expanded={hasFiles ? isOpen : undefined} title={`${connection.name} · double click inserts the name`} onClick={() => (hasFiles ? setOpen(!isOpen) : insert(connection.name))} onDoubleClick={() => insert(connection.name)}>
        {hasFiles ? isOpen ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden /> : null}<Plug size={13} aria-hidden /><span>{connection.name}</span><small>{connection.type}</small></button>
      {isOpen && (connection.type === 'FILE' ? <Level connection={connection.name} path="" insert={insert} />
        : <ul>{places.map((p) => <li key={p}><span className="node mono"><span>{p}</span></span><Level connection={connection.name} path={p} insert={insert} /></li>)}</ul>)}
    </li>
  )
}

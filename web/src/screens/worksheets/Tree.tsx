/** Connections, then catalogs → schemas → tables → columns; Enter or a click inserts a name. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronDown, ChevronRight, Cylinder, RefreshCw, Table2 } from 'lucide-react'
import { useState } from 'react'
import { columns, connections, jobs, tables } from '../../api/lake'
import { short } from '../../api/format'
import { Failure, Skeleton } from '../../ui'
import { href } from '../../app/route'
import { useRoving } from '../../ui/useRoving'
import { Connection } from './Connection'

export function useCatalog() {
  const client = useQueryClient()
  const t = useQuery({ queryKey: ['tables'], queryFn: tables })
  const c = useQuery({ queryKey: ['columns'], queryFn: columns })
  const n = useQuery({ queryKey: ['connections'], queryFn: connections })
  return { tables: t, columns: c, connections: n, refetch: () => void Promise.all([t.refetch(), c.refetch(), n.refetch(), client.invalidateQueries({ queryKey: ['source'] })]) }
}

export function Tree({ catalog, insert }: { catalog: ReturnType<typeof useCatalog>; insert: (text: string) => void }) {
  const [filter, setFilter] = useState('')
  const [open, setOpen] = useState<Record<string, boolean>>({})
  const roving = useRoving('.node:is(button, a)')
  const work = useQuery({ queryKey: ['jobs'], queryFn: jobs })
  const placesOf = (name: string): string[] => [...new Set((work.data ?? []).flatMap((j) => new RegExp(`FROM\\s+S3\\s+"?${name}"?\\s+LOCATION\\s*=\\s*'([^']+)'`, 'i').exec(j.statement)?.[1] ?? []))]
  const f = filter.toLowerCase()
  const all = catalog.tables.data ?? []
  const found = all.filter((t) => !f || t.full.toLowerCase().includes(f) || (catalog.columns.data ?? []).some((c) => c.table === t.full && c.name.toLowerCase().includes(f)))
  const schemas = [...new Set(found.map((t) => `${t.catalog}.${t.schema}`))]
  const flip = (k: string): void => setOpen((o) => ({ ...o, [k]: !o[k] }))
  return (
    <aside aria-label="Connections and tables">
      <div className="toolbar"><input className="field" style={{ flex: 1, width: 80 }} aria-label="Filter tables and columns" placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} />
        <button type="button" className="button small quiet" aria-label="Read the catalog again" onClick={catalog.refetch}><RefreshCw size={14} aria-hidden /></button></div>
      <div className="tree" role="group" aria-label="Connections, tables, columns" {...roving}>
        {catalog.tables.isLoading && <Skeleton lines={5} />}
        {catalog.tables.error && <Failure error={catalog.tables.error} retry={catalog.refetch} />}
        {(catalog.connections.data ?? []).length > 0 && <><h3>Connections</h3><ul>{catalog.connections.data!.map((c) => <Connection key={c.name} connection={c} places={placesOf(c.name)} insert={insert} />)}</ul></>}
        <h3>Tables</h3>
        {all.length === 0 && !catalog.tables.isLoading && <p className="muted pad">No table yet. Create one, or load sample data on the <a href="#/">start page</a>.</p>}
        <ul>{schemas.map((s) => (
          <li key={s}><div className="node"><Cylinder size={13} aria-hidden /><span>{s}</span></div>
            <ul>{found.filter((t) => `${t.catalog}.${t.schema}` === s).map((t) => {
              const isOpen = open[t.full] ?? Boolean(f)
              return (
                <li key={t.full}>
                  <div className="row" style={{ flexWrap: 'nowrap', gap: 0 }}>
                    <button type="button" className="node" style={{ width: 26, flex: 'none' }} aria-expanded={isOpen} aria-label={`Columns of ${t.name}`} onClick={() => flip(t.full)}>{isOpen ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />}</button>
                    <button type="button" className="node" title={`${t.full} · insert`} onClick={() => insert(t.full)}><Table2 size={13} aria-hidden /><span>{t.name}</span><small>{short(t.rows)}</small></button>
                  </div>
                  {isOpen && <ul>{(catalog.columns.data ?? []).filter((c) => c.table === t.full).map((c) => (
                    <li key={c.name}><button type="button" className="node" onClick={() => insert(c.name)}><span className="mono">{c.name}</span><small>{c.type.toLowerCase()}</small></button></li>))}
                    <li><a className="node" href={href('datasets', t.full)}>Statistics…</a></li></ul>}
                </li>)
            })}</ul>
          </li>))}
        </ul>
      </div>
    </aside>
  )
}

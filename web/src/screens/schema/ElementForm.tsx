/** One vertex or edge: its table, the columns that name it, its attributes, and how well they join. */
import { useQuery } from '@tanstack/react-query'
import { count } from '../../api/format'
import type { Table, TableColumn } from '../../api/lake'
import { select, sqlName } from '../../api/query'
import { Select } from '../../ui'
import type { Element } from './model'

interface Props { element: Element; vertices: Element[]; tables: Table[]; columns: TableColumn[]; change: (e: Element) => void; remove: () => void }

const sqlTable = (full: string): string => full.split('.').map(sqlName).join('.')

/** How many of the values are unique, or lead to a vertex. */
function useRate(sql: string) {
  return useQuery({ queryKey: ['rate', sql], enabled: sql !== '', staleTime: 60000, queryFn: async ({ signal }) => (await select<{ good: number; all: number }>(sql, signal))[0]! }).data
}
function Rate({ sql, what }: { sql: string; what: string }) {
  const r = useRate(sql)
  if (!r || !Number(r.all)) return null
  const share = (100 * Number(r.good)) / Number(r.all)
  return <small className={share > 95 ? 'ok' : 'warn'}>{share.toFixed(1)} % {what} ({count(Number(r.good))} of {count(Number(r.all))})</small>
}

export function ElementForm({ element: e, vertices, tables, columns, change, remove }: Props) {
  const own = columns.filter((c) => c.table === e.table)
  const options = (none: string): (readonly [string, string])[] => [['', none], ...own.map((c) => [c.name, `${c.name} · ${c.type.toLowerCase()}`] as const)]
  const set = (part: Partial<Element>): void => change({ ...e, ...part })
  const t = e.table ? sqlTable(e.table) : ''
  const isLarge = (tables.find((x) => x.full === e.table)?.rows ?? 0) > 5_000_000
  const distinct = isLarge ? `least(approx_count_distinct(${sqlName(e.id)}), count(*))` : `count(DISTINCT ${sqlName(e.id)})`
  const unique = t && e.id ? `SELECT ${distinct} AS good, count(*) AS "all" FROM ${t}` : ''
  const join = (column: string, label: string): string => {
    const v = vertices.find((x) => x.label === label)
    return t && column && v?.table && v.id ? `SELECT count(*) FILTER (CAST(k AS VARCHAR) IN (SELECT CAST(${sqlName(v.id)} AS VARCHAR) FROM ${sqlTable(v.table)})) AS good, count(*) AS "all" FROM (SELECT DISTINCT ${sqlName(column)} AS k FROM ${t})` : ''
  }
  return (
    <>
      <div className="row"><h2>{e.kind === 'vertex' ? 'Vertex' : 'Edge'}</h2><span className="spacer" /><button type="button" className="button small danger" onClick={remove}>Remove</button></div>
      <label className="labelled">Label<input className="field" value={e.label} onChange={(x) => set({ label: x.target.value })} /></label>
      <Select label="Table" value={e.table} onChange={(table) => set({ table, id: '', from: '', to: '', attributes: [] })} options={[['', 'choose'], ...tables.map((x) => [x.full, x.name] as const)]} />
      <Select label={e.kind === 'vertex' ? 'Id' : 'Id (may be none)'} value={e.id} onChange={(id) => set({ id, attributes: e.attributes.filter((a) => a !== id) })} options={options('none')} />
      {unique && e.kind === 'vertex' && <Rate sql={unique} what={isLarge ? 'distinct, about' : 'distinct'} />}
      {e.kind === 'edge' && (
        <>
          <Select label="From column" value={e.from} onChange={(from) => set({ from })} options={options('choose')} />
          <Select label="From vertex" value={e.fromLabel} onChange={(fromLabel) => set({ fromLabel })} options={[['', 'choose'], ...vertices.map((v) => [v.label, v.label] as const)]} />
          <Rate sql={join(e.from, e.fromLabel)} what={`of the values are a ${e.fromLabel}`} />
          <Select label="To column" value={e.to} onChange={(to) => set({ to })} options={options('choose')} />
          <Select label="To vertex" value={e.toLabel} onChange={(toLabel) => set({ toLabel })} options={[['', 'choose'], ...vertices.map((v) => [v.label, v.label] as const)]} />
          <Rate sql={join(e.to, e.toLabel)} what={`of the values are a ${e.toLabel}`} />
        </>)}
      {own.length > 0 && (
        <><div className="row"><h3>Attributes</h3><span className="spacer" /><button type="button" className="button small" onClick={() => set({ attributes: own.map((c) => c.name).filter((n) => ![e.id, e.from, e.to].includes(n) && !n.startsWith('$')) })}>All</button><button type="button" className="button small" onClick={() => set({ attributes: [] })}>None</button></div>
          <div className="attributes">{own.filter((c) => ![e.id, e.from, e.to].includes(c.name)).map((c) => <label key={c.name}><input type="checkbox" checked={e.attributes.includes(c.name)} onChange={(x) => set({ attributes: x.target.checked ? [...e.attributes, c.name] : e.attributes.filter((a) => a !== c.name) })} />{c.name}</label>)}</div></>)}
    </>
  )
}

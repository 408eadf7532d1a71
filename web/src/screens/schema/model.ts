/** A graph schema while it is being made: elements over tables, as the first of the three formats. */
import type { Table, TableColumn } from '../../api/lake'
import { sourcesOf } from '../../api/graph'

export interface Element { kind: 'vertex' | 'edge'; label: string; table: string; id: string; from: string; to: string; fromLabel: string; toLabel: string; attributes: string[] }
export interface Draft { elements: Element[] }

const TYPES: [RegExp, string][] = [[/^(BIGINT|LONG|UBIGINT|HUGEINT)/i, 'Long'], [/INT/i, 'Int'], [/BOOL/i, 'Boolean'], [/DOUBLE/i, 'Double'], [/FLOAT|REAL/i, 'Float'], [/TIMESTAMP/i, 'DateTime'], [/^DATE/i, 'Date']]
export const typeOf = (sql: string): string => TYPES.find(([re]) => re.test(sql))?.[1] ?? 'String'

const CATALOG = 'floe'
export function toSchema(draft: Draft, columns: TableColumn[]): unknown {
  const source = (e: Element): object => {
    const [, schema, table] = e.table.split('.')
    return { catalog: CATALOG, schema, table, metaFields: { id: e.id, ...(e.kind === 'edge' ? { from: e.from, to: e.to } : {}) } }
  }
  const attributes = (e: Element): object[] => e.attributes.map((name) => ({ type: typeOf(columns.find((c) => c.table === e.table && c.name === name)?.type ?? ''), name }))
  return {
    catalogs: [{ name: CATALOG, type: 'iceberg', metastore: { type: 'embedded' } }],
    vertices: draft.elements.filter((e) => e.kind === 'vertex').map((e) => ({ label: e.label, mappedTableSource: source(e), attributes: attributes(e) })),
    edges: draft.elements.filter((e) => e.kind === 'edge').map((e) => ({ label: e.label, mappedTableSource: source(e), from: e.fromLabel, to: e.toLabel, attributes: attributes(e) })),
  }
}
export function fromSchema(schema: unknown): Draft {
  const s = sourcesOf(schema)
  const element = (kind: 'vertex' | 'edge') => ([label, x]: [string, (typeof s.vertices)[string]]): Element =>
    ({ kind, label, table: x.table.replaceAll('"', ''), id: x.id, from: x.from, to: x.to, fromLabel: x.fromLabel, toLabel: x.toLabel, attributes: Object.values(x.columns).filter((c) => ![x.id, x.from, x.to].includes(c)) })
  return { elements: [...Object.entries(s.vertices).map(element('vertex')), ...Object.entries(s.edges).map(element('edge'))] }
}

/** Whether the form says all that the schema says: others are shown here, and changed as text. */
export function isPlain(schema: unknown): boolean {
  type Any = Record<string, any>
  const only = (o: Any | undefined, ...names: string[]): boolean => Object.keys(o ?? {}).every((k) => names.includes(k))
  const s = schema as Any
  if (!s || !Array.isArray(s.vertices) || !only(s, 'catalogs', 'vertices', 'edges')) return false
  return [...s.vertices, ...(s.edges ?? [])].every((e: Any) =>
    only(e, 'label', 'mappedTableSource', 'attributes', 'from', 'to') && only(e.mappedTableSource, 'catalog', 'schema', 'table', 'metaFields') && only(e.mappedTableSource?.metaFields, 'id', 'from', 'to')
    && (e.attributes ?? []).every((a: Any) => only(a, 'type', 'name', 'field') && (a.field ?? a.name) === a.name))
}

/** Devices and connections from whichever tables look like them. */
export function suggest(tables: Table[], columns: TableColumn[]): Draft | undefined {
  const has = (t: Table, ...names: string[]): boolean => names.every((n) => columns.some((c) => c.table === t.full && c.name === n))
  const flows = tables.find((t) => has(t, 'srcaddr', 'dstaddr'))
  const devices = tables.find((t) => has(t, 'device_id'))
  if (!flows || !devices) return undefined
  const rest = (t: Table, not: string[]): string[] => columns.filter((c) => c.table === t.full && !not.includes(c.name) && !c.name.startsWith('$')).map((c) => c.name)
  const key = has(flows, 'primary_key') ? 'primary_key' : ''
  return {
    elements: [
      { kind: 'vertex', label: 'devices', table: devices.full, id: 'device_id', from: '', to: '', fromLabel: '', toLabel: '', attributes: rest(devices, ['device_id']) },
      { kind: 'edge', label: 'connections', table: flows.full, id: key, from: 'srcaddr', to: 'dstaddr', fromLabel: 'devices', toLabel: 'devices', attributes: rest(flows, ['primary_key', 'srcaddr', 'dstaddr']) },
    ],
  }
}

/** What is wrong before the server is asked. */
export function faults(draft: Draft): string[] {
  const out: string[] = []
  const labels = draft.elements.map((e) => e.label)
  for (const e of draft.elements) {
    const name = `${e.kind} ${e.label || '(no label)'}`
    if (!e.label) out.push(`${name}: give it a label`)
    if (labels.filter((l) => l === e.label).length > 1) out.push(`${name}: the label is there twice`)
    if (!e.table) out.push(`${name}: choose a table`)
    if (e.kind === 'vertex' && !e.id) out.push(`${name}: choose the id column`)
    if (e.kind === 'edge' && (!e.from || !e.to)) out.push(`${name}: choose the columns that hold the ids of both ends`)
    for (const l of [e.fromLabel, e.toLabel]) if (e.kind === 'edge' && !draft.elements.some((v) => v.kind === 'vertex' && v.label === l)) out.push(`${name}: '${l}' is no vertex label`)
  }
  return [...new Set(out)]
}

export interface DiffLine { sign: '+' | '-' | ' '; text: string }
/** Lines of the longest common subsequence kept, the others marked. */
export function diff(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const length: number[][] = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) length[i]![j] = a[i] === b[j] ? length[i + 1]![j + 1]! + 1 : Math.max(length[i + 1]![j]!, length[i]![j + 1]!)
  const out: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { out.push({ sign: ' ', text: a[i++]! }); j++ }
    else if (j < b.length && (i >= a.length || length[i]![j + 1]! >= length[i + 1]![j]!)) out.push({ sign: '+', text: b[j++]! })
    else out.push({ sign: '-', text: a[i++]! })
  }
  return out
}

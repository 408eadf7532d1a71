/** The graph's labels, and which tables stand behind them. */
import { json } from './client'
import { sqlName } from './query'

export interface Property { name: string; type: string; isId: boolean }
export interface VertexLabel { label: string; count: number; properties: Property[] }
export interface EdgeLabel extends VertexLabel { from: string; to: string }
export interface GraphModel { graphs: string[]; version: number; vertices: VertexLabel[]; edges: EdgeLabel[] }
export interface SchemaVersion { version: number; schema: unknown }

export const graphModel = (): Promise<GraphModel> => json('GET', '/api/graph')
export const liveSchema = (version?: number): Promise<SchemaVersion> => json('GET', `/api/schema${version ? `?version=${version}` : ''}`)

/** Where the rows of a label are, as SQL names. */
export interface Source { table: string; id: string; from: string; to: string; fromLabel: string; toLabel: string; columns: Record<string, string> }
export interface Sources { vertices: Record<string, Source>; edges: Record<string, Source> }

type Any = Record<string, any>
const first = (v: unknown): Any => (Array.isArray(v) ? (v[0] ?? {}) : (v ?? {})) as Any

/** The three schema formats, reduced to tables and columns. */
export function sourcesOf(schema: unknown): Sources {
  const s = (schema ?? {}) as Any
  const g = (s.graph ?? s) as Any
  const embedded = new Set<string>()
  for (const c of [...(s.catalogs ?? []), ...(s.catalog ?? [])] as Any[]) if ((c.metastore?.type ?? 'embedded') === 'embedded') embedded.add(c.name as string)
  const table = (t: Any): string => [embedded.has(t.catalog) ? 'default_glue_catalog' : t.catalog, t.schema, t.table].map((p) => sqlName(String(p))).join('.')
  const one = (e: Any): Source => {
    if (e.mappedTableSource) {
      const t = e.mappedTableSource as Any
      const meta = (t.metaFields ?? {}) as Any
      const columns = Object.fromEntries(((e.attributes ?? []) as Any[]).map((a) => [a.name as string, (a.field ?? a.name) as string]))
      return { table: table(t), id: meta.id ?? '', from: meta.from ?? '', to: meta.to ?? '', fromLabel: e.from ?? '', toLabel: e.to ?? '', columns }
    }
    const inner = (e.oneToOne ?? e.manyToOne ?? e) as Any
    if (inner.tableSource) {
      const field = (x: unknown): string => String(first((x as Any)?.fields).field ?? '')
      const columns = Object.fromEntries(((inner.attributes ?? []) as Any[]).map((a) => [String(a.alias ?? a.field), String(a.field)]))
      return { table: table(inner.tableSource as Any), id: field(inner.id), from: field(e.fromId), to: field(e.toId), fromLabel: e.fromVertex ?? '', toLabel: e.toVertex ?? '', columns }
    }
    const data = first(e.dataSourceGroup?.externalDataSource)
    const columns = Object.fromEntries(((data.mappedField ?? []) as Any[]).map((m) => [String(m.targetFieldName), String(m.sourceFieldName)]))
    const column = (x: unknown): string => columns[String(first(x).name)] ?? String(first(x).name ?? '')
    return { table: table(data), id: column(e.id), from: column(e.fromKey ?? e.from?.key ?? e.fromId), to: column(e.toKey ?? e.to?.key ?? e.toId), fromLabel: e.fromNodeLabel ?? e.from?.label ?? e.from ?? '', toLabel: e.toNodeLabel ?? e.to?.label ?? e.to ?? '', columns }
  }
  const all = (list: unknown): Record<string, Source> => Object.fromEntries(((list ?? []) as Any[]).map((e) => [e.label as string, one(e)]))
  return { vertices: all(g.vertices ?? g.node), edges: all(g.edges ?? g.edge) }
}

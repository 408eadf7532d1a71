/** The scene's data: a query for its nodes, one for its edges, one for the totals, one for the time line. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { graphModel, liveSchema, sourcesOf, type GraphModel, type Source } from '../../api/graph'
import { columns } from '../../api/lake'
import { select, sqlName, sqlText } from '../../api/query'
import { emptyScene, makeScene, type Scene } from '../../scene/scene'
import { BUCKETS, domainSql, edgesSql, flowOf, histogramSql, MOST_EDGES, nodesSql, totalsSql, type Domain, type Flow } from '../../scene/sql'
import { isGroup, type Spec } from '../../scene/spec'

export interface World { model: GraphModel; edge: string; source: Source; flow: Flow; domain: Domain; vertex: string; vertexSource: Source | undefined; properties: string[] }

/** What the scene is about: an edge label, the table behind it and its time. */
export function useWorld(edge: string) {
  return useQuery({
    queryKey: ['world', edge], retry: false, staleTime: 60000,
    queryFn: async ({ signal }): Promise<World> => {
      const model = await graphModel()
      const [schema, all] = await Promise.all([liveSchema(), columns()])
      const sources = sourcesOf(schema.schema)
      const label = model.edges.find((e) => e.label === edge) ?? [...model.edges].sort((a, b) => b.count - a.count)[0]
      const source = label && sources.edges[label.label]
      if (!label || !source) throw new Error('The graph schema has no edges to draw: add an edge on the Schema screen.')
      const table = source.table.replaceAll('"', '')
      const known = all.filter((c) => c.table === table).map((c) => ({ name: c.name, type: c.type }))
      const flow = flowOf(source, known.length ? known : label.properties)
      const [domain] = flow.start ? await select<Domain>(domainSql(flow), signal) : [{ from: 0, to: 0 }]
      const vertexSource = sources.vertices[label.from]
      const properties = (model.vertices.find((v) => v.label === label.from)?.properties ?? []).filter((p) => !p.isId).map((p) => p.name)
      return { model, edge: label.label, source, flow, domain: { from: Number(domain?.from ?? 0), to: Number(domain?.to ?? 0) }, vertex: label.from, vertexSource, properties }
    },
  })
}

async function propertiesOf(w: World, ids: string[], signal: AbortSignal): Promise<Map<string, Record<string, unknown>>> {
  const v = w.vertexSource
  if (!v || !w.properties.length || !ids.length) return new Map()
  const key = `CAST(${sqlName(v.id)} AS VARCHAR)`
  const wanted = w.properties.map((p) => `${sqlName(v.columns[p] ?? p)} AS ${sqlName(p)}`).join(', ')
  const rows = await select<Record<string, unknown>>(`SELECT ${key} AS "floe id", ${wanted} FROM ${v.table} WHERE ${key} IN (${ids.slice(0, 20000).map(sqlText).join(', ')})`, signal)
  return new Map(rows.map(({ 'floe id': id, ...rest }) => [String(id), rest]))
}

/** Only what changes the data asks again; hiding, pinning, colours and time do not. */
const dataKey = (s: Spec): unknown[] => [s.hasGroups, s.groupBy, s.nodes, s.filter, s.split, s.limit]

export function useScene(w: World | undefined, spec: Spec) {
  const key = JSON.stringify(dataKey(spec))
  const scene = useQuery({
    queryKey: ['scene', w?.edge, key], enabled: Boolean(w), placeholderData: keepPreviousData, staleTime: 60000, retry: false,
    queryFn: async ({ signal }): Promise<Scene> => {
      const [nodes, edges] = await Promise.all([select<Record<string, unknown>>(nodesSql(w!.flow, spec, w!.domain), signal), select<Record<string, unknown>>(edgesSql(w!.flow, spec, w!.domain), signal)])
      const properties = await propertiesOf(w!, nodes.map((n) => String(n.id)).filter((i) => !isGroup(i)), signal)
      return makeScene(nodes, edges, properties, MOST_EDGES)
    },
  })
  const about = JSON.stringify(spec.filter)
  const totals = useQuery({
    queryKey: ['totals', w?.edge, about], enabled: Boolean(w), placeholderData: keepPreviousData, staleTime: 60000,
    queryFn: async ({ signal }) => (await select<Record<string, number>>(totalsSql(w!.flow, spec, w!.domain), signal))[0]!,
  })
  const histogram = useQuery({
    queryKey: ['histogram', w?.edge, about], enabled: Boolean(w?.flow.start), placeholderData: keepPreviousData, staleTime: 60000,
    queryFn: async ({ signal }) => {
      const bars = Array.from({ length: BUCKETS }, () => ({ flows: 0, rejected: 0 }))
      for (const r of await select<{ bucket: number; flows: number; rejected: number }>(histogramSql(w!.flow, spec, w!.domain), signal)) bars[Number(r.bucket)] = { flows: Number(r.flows), rejected: Number(r.rejected) }
      return bars
    },
  })
  const data = useMemo(() => scene.data ?? emptyScene, [scene.data])
  return { scene: data, query: scene, totals: totals.data, histogram: histogram.data }
}

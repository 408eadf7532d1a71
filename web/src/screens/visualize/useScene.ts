/** The scene's data: a query for its nodes, one for its edges, one for the totals, one for the time line. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { keyOf } from '../../scene/elements'
import { graphModel, liveSchema, sourcesOf, type GraphModel, type Source } from '../../api/graph'
import { columns } from '../../api/lake'
import { select, sqlName, sqlText } from '../../api/query'
import { emptyScene, makeScene, type Scene } from '../../scene/scene'
import { flowOf, type Flow } from '../../scene/flow'
import { BUCKETS, domainSql, edgesSql, histogramSql, nodesSql, totalsSql, type Domain } from '../../scene/sql'
import { isGroup, type Spec } from '../../scene/spec'

/** A vertex label of the scene; keys of all but the main one are written "label[key]". */
export interface Kind { label: string; source: Source; properties: string[]; isMain: boolean }
export interface World { model: GraphModel; edges: string[]; flows: Flow[]; domain: Domain; vertex: string; kinds: Kind[]; properties: string[] }

/** What the scene is about: edge labels, the tables behind them and their time. */
export function useWorld(edges: string[]) {
  return useQuery({
    queryKey: ['world', edges.join()], retry: false, staleTime: 60000, placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<World> => {
      const model = await graphModel()
      const [schema, all] = await Promise.all([liveSchema(), columns()])
      const sources = sourcesOf(schema.schema)
      const drawable = model.edges.filter((e) => sources.edges[e.label])
      const chosen = drawable.filter((e) => edges.includes(e.label))
      const labels = chosen.length ? chosen : [...drawable].sort((a, b) => b.count - a.count).slice(0, 1)
      const main = labels[0]?.from
      if (!main) throw new Error('The graph schema has no edges to draw: add an edge on the Schema screen.')
      const flows = labels.map((l) => {
        const source = sources.edges[l.label]!
        const table = source.table.replaceAll('"', '')
        const known = all.filter((c) => c.table === table).map((c) => ({ name: c.name, type: c.type }))
        return flowOf(l.label, { ...source, fromLabel: l.from, toLabel: l.to }, main, known.length ? known : l.properties)
      })
      const [domain] = flows.some((f) => f.start) ? await select<Domain>(domainSql(flows), signal) : [{ from: 0, to: 0 }]
      const kinds = [...new Set(labels.flatMap((l) => [l.from, l.to]))].flatMap((label): Kind[] => {
        const source = sources.vertices[label]
        return source ? [{ label, source, isMain: label === main, properties: (model.vertices.find((v) => v.label === label)?.properties ?? []).filter((p) => !p.isId).map((p) => p.name) }] : []
      })
      return { model, edges: labels.map((l) => l.label), flows, domain: { from: Number(domain?.from ?? 0), to: Number(domain?.to ?? 0) }, vertex: main, kinds, properties: [...new Set(kinds.flatMap((k) => k.properties))] }
    },
  })
}

const MOST_LOOKED_UP = 3000
async function propertiesOf(k: Kind, ids: string[], signal: AbortSignal): Promise<[string, Record<string, unknown>][]> {
  const mine = k.isMain ? ids.filter((i) => !i.endsWith(']')) : ids.filter((i) => i.startsWith(`${k.label}[`)).map((i) => keyOf(i))
  if (!k.properties.length || !mine.length) return []
  const key = `CAST(${sqlName(k.source.id)} AS VARCHAR)`
  const wanted = k.properties.map((p) => `${sqlName(k.source.columns[p] ?? p)} AS ${sqlName(p)}`).join(', ')
  const which = mine.length > MOST_LOOKED_UP ? '' : ` WHERE ${key} IN (${mine.map(sqlText).join(', ')})`
  const rows = await select<Record<string, unknown>>(`SELECT ${key} AS "floe id", ${wanted} FROM ${k.source.table}${which}`, signal)
  return rows.map(({ 'floe id': id, ...rest }) => [k.isMain ? String(id) : `${k.label}[${String(id)}]`, rest])
}

/** Only what changes the data asks again; hiding, pinning, colours and time do not. */
const dataKey = (s: Spec): unknown[] => [s.hasGroups, s.isAll, s.groupBy, s.nodes, s.filter, s.split, s.limit]

export function useScene(w: World | undefined, spec: Spec) {
  const key = JSON.stringify(dataKey(spec))
  const scene = useQuery({
    queryKey: ['scene', w?.edges.join(), key], enabled: Boolean(w), structuralSharing: false, placeholderData: keepPreviousData, staleTime: 60000, retry: false,
    queryFn: async ({ signal }): Promise<Scene> => {
      const [nodes, edges] = await Promise.all([select<Record<string, unknown>>(nodesSql(w!.flows, spec, w!.domain), signal), select<Record<string, unknown>>(edgesSql(w!.flows, spec, w!.domain), signal)])
      const single = nodes.map((n) => String(n.id)).filter((i) => !isGroup(i))
      const properties = new Map((await Promise.all(w!.kinds.map((k) => propertiesOf(k, single, signal)))).flat())
      return makeScene(nodes, edges, properties, w!.flows.length > 1)
    },
  })
  const about = JSON.stringify(spec.filter)
  const totals = useQuery({
    queryKey: ['totals', w?.edges.join(), about], enabled: Boolean(w), placeholderData: keepPreviousData, staleTime: 60000,
    queryFn: async ({ signal }) => (await select<Record<string, number>>(totalsSql(w!.flows, spec, w!.domain), signal))[0]!,
  })
  const histogram = useQuery({
    queryKey: ['histogram', w?.edges.join(), about], enabled: Boolean(w?.flows.some((f) => f.start)), placeholderData: keepPreviousData, staleTime: 60000,
    queryFn: async ({ signal }) => {
      const bars = Array.from({ length: BUCKETS }, () => ({ flows: 0, rejected: 0 }))
      for (const r of await select<{ bucket: number; flows: number; rejected: number }>(histogramSql(w!.flows, spec, w!.domain), signal)) bars[Number(r.bucket)] = { flows: Number(r.flows), rejected: Number(r.rejected) }
      return bars
    },
  })
  const data = useMemo(() => scene.data ?? emptyScene, [scene.data])
  return { scene: data, query: scene, totals: totals.data, histogram: histogram.data }
}

/** Who feeds whom: from the jobs' statements, the tables and the graph schema. */
import { count, short } from '../../api/format'
import { graphModel, liveSchema, sourcesOf } from '../../api/graph'
import { jobs, tables, type Job } from '../../api/lake'
import { select } from '../../api/query'
import { href } from '../../app/route'

export interface Part extends Record<string, unknown> { id: string; kind: 'source' | 'job' | 'table' | 'label'; name: string; facts: string; state: string; to: string }
export interface Flow { parts: Part[]; links: [string, string][]; columns: { job: string; source: string; target: string; expression: string }[] }

const clean = (s: string): string => s.replaceAll('"', '')
export const sameTable = (a: string, b: string): boolean => clean(a).split('.').slice(-2).join('.') === clean(b).split('.').slice(-2).join('.')
export const sourceOf = (statement: string): string => {
  const copy = /COPY\s+FROM\s+(\S+)\s+(\S+)(?:\s+LOCATION\s*=\s*'([^']*)')?/i.exec(statement)
  return copy ? `${copy[2]} ${copy[3] ?? ''}`.trim() : ''
}
export const readsOf = (statement: string): string[] => [...statement.matchAll(/\b(?:FROM|JOIN)\s+([\w"$]+\.[\w"$]+\.[\w"$]+)/gi)].map((m) => clean(m[1]!))

export async function load(): Promise<Flow> {
  const [all, lake] = await Promise.all([jobs(), tables()])
  const columns = await select<Flow['columns'][number]>('SELECT job_name AS job, source_column AS source, target_column AS target, expression FROM system.monitoring.lineage').catch(() => [])
  const graph = await Promise.all([graphModel(), liveSchema()]).catch(() => undefined)
  const parts: Part[] = lake.map((t) => ({ id: `table ${t.full}`, kind: 'table', name: t.name, facts: `${short(t.rows)} rows`, state: '', to: href('datasets', t.full) }))
  const links: [string, string][] = []
  const table = (name: string): string | undefined => {
    const t = lake.find((x) => sameTable(x.full, name))
    return t && `table ${t.full}`
  }
  const job = (j: Job): void => {
    const id = `job ${j.name}`
    parts.push({ id, kind: 'job', name: j.name, facts: j.error ? 'failing' : `${short(j.rows)} rows${j.rate ? ` · ${short(Number(j.rate))}/s` : ''}`, state: j.error ? 'err' : j.isRunning ? 'ok' : 'muted', to: href('jobs', j.name) })
    const target = table(j.target)
    if (target) links.push([id, target])
    const s = sourceOf(j.statement)
    if (s && !parts.some((p) => p.id === `source ${s}`)) parts.push({ id: `source ${s}`, kind: 'source', name: s, facts: `${count(j.filesLoaded)} files`, state: '', to: href('worksheets') })
    if (s) links.push([`source ${s}`, id])
    else for (const r of readsOf(j.statement)) {
      const from = table(r)
      if (from && from !== target) links.push([from, id])
    }
  }
  all.forEach(job)
  if (graph) {
    const sources = sourcesOf(graph[1].schema)
    for (const [kind, list] of [['vertex', sources.vertices], ['edge', sources.edges]] as const)
      for (const [label, s] of Object.entries(list)) {
        const n = [...graph[0].vertices, ...graph[0].edges].find((x) => x.label === label)
        parts.push({ id: `label ${label}`, kind: 'label', name: kind === 'vertex' ? `(${label})` : `—${label}→`, facts: n ? `${short(n.count)} in the graph` : '', state: '', to: '#/visualize' })
        const from = table(s.table)
        if (from) links.push([from, `label ${label}`])
      }
  }
  return { parts, links, columns }
}

/** What a part is made of and what is made of it, up to so many steps. */
export function near(links: [string, string][], focus: string, hops: number): Set<string> {
  const seen = new Set([focus])
  for (const isForward of [true, false]) {
    let edge = [focus]
    for (let n = 0; n < hops && edge.length; n++) {
      edge = links.filter(([a, b]) => edge.includes(isForward ? a : b)).map(([a, b]) => (isForward ? b : a))
      for (const id of edge) seen.add(id)
    }
  }
  return seen
}

/** Who feeds whom, and which column comes from which: from the jobs' statements, the tables and the graph schema. */
import { duration, plural, short } from '../../api/format'
import { graphModel, liveSchema, sourcesOf, type Source } from '../../api/graph'
import { columns as tableColumns, jobs, lettersOf, tables, type Job } from '../../api/lake'
import { select } from '../../api/query'
import { href } from '../../app/route'

export interface PartColumn { name: string; detail: string }
export interface Part { id: string; kind: 'source' | 'job' | 'table' | 'label'; name: string; facts: string; state: string; to: string; columns: PartColumn[] }
/** From a column of one part to a column of the next. */
export interface ColumnLink { from: string; fromColumn: string; to: string; toColumn: string }
export interface Flow { parts: Part[]; links: [string, string][]; columnLinks: ColumnLink[] }
interface Line { job: string; source: string; source_column: string | null; target: string; target_column: string; expression: string | null }

const clean = (s: string): string => s.replaceAll('"', '')
export const sameTable = (a: string, b: string): boolean => clean(a).split('.').slice(-2).join('.') === clean(b).split('.').slice(-2).join('.')
export const sourceOf = (statement: string): string => {
  const copy = /COPY\s+FROM\s+(\S+)\s+(\S+)(?:\s+LOCATION\s*=\s*'([^']*)')?/i.exec(statement)
  return copy ? `${copy[2]} ${copy[3] ?? ''}`.trim() : ''
}
export const readsOf = (statement: string): string[] => [...statement.matchAll(/\b(?:FROM|JOIN)\s+([\w"$]+\.[\w"$]+\.[\w"$]+)/gi)].map((m) => clean(m[1]!))

const LINEAGE = 'SELECT job_name AS job, source, source_column, target, target_column, expression FROM system.monitoring.lineage'

/** Columns of a part are made when they are first named. */
class Builder {
  readonly parts = new Map<string, Part>()
  readonly links: [string, string][] = []
  readonly columnLinks: ColumnLink[] = []
  part(p: Part): Part {
    const had = this.parts.get(p.id)
    if (!had) this.parts.set(p.id, p)
    return had ?? p
  }
  column(part: Part, name: string, detail = ''): void {
    const had = part.columns.find((c) => c.name === name)
    if (!had) part.columns.push({ name, detail })
    else if (detail && !had.detail) had.detail = detail
  }
  link(from: Part, to: Part): void {
    if (!this.links.some(([a, b]) => a === from.id && b === to.id)) this.links.push([from.id, to.id])
  }
  feed(from: Part, fromColumn: string, to: Part, toColumn: string): void {
    this.column(from, fromColumn)
    this.column(to, toColumn)
    if (!this.columnLinks.some((l) => l.from === from.id && l.fromColumn === fromColumn && l.to === to.id && l.toColumn === toColumn)) this.columnLinks.push({ from: from.id, fromColumn, to: to.id, toColumn })
  }
}

const factsOf = (j: Job): string => [j.error ? 'failing' : plural(j.rows, 'row'), j.rate ? `${short(Number(j.rate))}/s` : '', j.lagSeconds ? `${duration(j.lagSeconds * 1000)} behind` : ''].filter(Boolean).join(' · ')
const mentions = (expression: string, name: string): boolean => new RegExp(`(^|[^\\w$])${name.replace(/[$.]/g, '\\$&')}([^\\w$]|$)`).test(expression)

function addJob(b: Builder, j: Job, lines: Line[], table: (name: string) => Part | undefined): void {
  const job = b.part({ id: `job ${j.name}`, kind: 'job', name: j.name, facts: factsOf(j), state: j.error ? 'err' : j.isRunning ? 'ok' : 'muted', to: href('jobs', j.name), columns: [] })
  const target = table(j.target)
  const s = sourceOf(j.statement)
  const source = s ? b.part({ id: `source ${s}`, kind: 'source', name: s, facts: plural(j.filesLoaded, 'file'), state: '', to: href('worksheets'), columns: [] }) : undefined
  if (target) b.link(job, target)
  const letters = j.dropped > 0 && target ? table(`${j.target.slice(0, j.target.lastIndexOf('.'))}.${lettersOf(j.name)}`) : undefined
  if (letters) b.link(job, letters)
  if (source) b.link(source, job)
  else for (const r of readsOf(j.statement)) {
    const from = table(r)
    if (from && from !== target) b.link(from, job)
  }
  const made = new Set(lines.filter((l) => l.target_column !== '*').map((l) => l.target_column))
  for (const l of lines) {
    const from = source ?? table(l.source)
    const names = l.target_column === '*' ? (target?.columns ?? []).map((c) => c.name).filter((n) => !made.has(n) && !n.startsWith('$')) : [l.target_column]
    for (const name of names) {
      b.column(job, name, l.expression && l.expression !== name ? l.expression : '')
      if (target) b.feed(job, name, target, name)
      if (!from) continue
      if (l.target_column === '*') b.feed(from, name, job, name)
      else if (l.source_column) b.feed(from, l.source_column, job, name)
      else for (const c of target?.columns ?? []) if (source && l.expression && c.name !== name && mentions(l.expression, c.name)) b.feed(from, c.name, job, name)
    }
  }
}

function addLabel(b: Builder, name: string, isVertex: boolean, s: Source, facts: string, table: (name: string) => Part | undefined): void {
  const label = b.part({ id: `label ${name}`, kind: 'label', name: isVertex ? `(${name})` : `—${name}→`, facts, state: '', to: '#/visualize', columns: [] })
  const from = table(s.table)
  if (!from) return
  b.link(from, label)
  for (const [property, column] of [['id', s.id], ...(isVertex ? [] : [['from', s.from], ['to', s.to]]), ...Object.entries(s.columns)] as [string, string][]) if (column) b.feed(from, column, label, property)
}

export async function load(): Promise<Flow> {
  const [all, lake, fields, lines] = await Promise.all([jobs(), tables(), tableColumns(), select<Line>(LINEAGE)])
  const graph = await Promise.all([graphModel(), liveSchema()]).catch(() => undefined)
  const b = new Builder()
  const made = lake.map((t) => b.part({ id: `table ${t.full}`, kind: 'table', name: t.name, facts: plural(t.rows, 'row'), state: '', to: href('datasets', t.full), columns: fields.filter((c) => c.table === t.full).map((c) => ({ name: c.name, detail: c.type.toLowerCase() })) }))
  const table = (name: string): Part | undefined => made.find((t) => sameTable(t.id.slice(6), name))
  for (const j of all) addJob(b, j, lines.filter((l) => l.job === j.name), table)
  if (graph) {
    const sources = sourcesOf(graph[1].schema)
    for (const [isVertex, list] of [[true, sources.vertices], [false, sources.edges]] as const)
      for (const [label, s] of Object.entries(list)) {
        const n = (isVertex ? graph[0].vertices : graph[0].edges).find((x) => x.label === label)
        addLabel(b, label, isVertex, s, n ? `${short(n.count)} in the graph` : '', table)
      }
  }
  return { parts: [...b.parts.values()], links: b.links, columnLinks: b.columnLinks }
}

export const keyOf = (part: string, column: string): string => `${part}|${column}`
/** Every column that one is made of, or that is made of it; itself too. */
export function pathOf(links: ColumnLink[], key: string): Set<string> {
  const seen = new Set([key])
  for (const isForward of [true, false]) {
    const todo = [key]
    for (let at = todo.pop(); at !== undefined; at = todo.pop())
      for (const l of links) {
        const [a, z] = [keyOf(l.from, l.fromColumn), keyOf(l.to, l.toColumn)]
        const next = isForward ? (a === at ? z : '') : z === at ? a : ''
        if (!next || seen.has(next)) continue
        seen.add(next)
        todo.push(next)
      }
  }
  return seen
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

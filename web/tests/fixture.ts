/** More tables for the scenes that the sample is too small for: a scene of 2,000 nodes, one of 20,000, a hub with 50,000 neighbours.
 * Flow logs as AWS writes them, loaded by real jobs, as further edge labels of the sample's schema. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Server } from './harness.ts'

const HEAD = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
export const HUB = '10.9.0.1'
const START = 1713398400

/** The n-th address: the first ones inside, the others outside. */
export const address = (i: number, inside: number): string =>
  i < inside ? `10.${20 + Math.floor(i / 4096)}.${Math.floor(i / 64) % 64}.${(i % 64) + 1}` : `${30 + (i % 150)}.${Math.floor(i / 150) % 200}.${Math.floor(i / 30000)}.${(i % 250) + 1}`
const line = (s: string, d: string, i: number): string =>
  `2 123456789012 eni-0${(i % 90) + 10} ${s} ${d} ${40000 + (i % 20000)} ${[443, 80, 53, 22][i % 4]} 6 ${1 + (i % 50)} ${100 + ((i * 7919) % 500000)} ${START + (i % 3600)} ${START + (i % 3600) + 30} ${i % 5 ? 'ACCEPT' : 'REJECT'} OK`

/** `nodes` addresses and exactly `edges` pairs among them: a ring so that all are in, then chords to busy ones. */
function meshed(nodes: number, edges: number, tag: number): string[] {
  const inside = Math.floor(nodes / 2)
  const lines: string[] = []
  for (let i = 0; i < nodes; i++) lines.push(line(address(i, inside), address((i + 1) % nodes, inside), i * tag))
  for (let k = 2, i = 0; lines.length < edges; i++) {
    if (i === nodes) {
      i = 0
      k++
    }
    lines.push(line(address(i, inside), address((i + Math.floor(nodes / 7) * k) % nodes, inside), i * 31 + k))
  }
  return lines
}
const TABLES: Record<string, () => string[]> = {
  mid: () => meshed(2000, 4000, 3),
  big: () => meshed(20000, 40000, 5),
  hub: () => Array.from({ length: 50000 }, (_, i) => line(HUB, address(i + 1000, 0), i)),
}
export const TABLE_NAMES = Object.keys(TABLES)

async function post(url: string, text: string): Promise<string> {
  const r = await fetch(`${url}/api/query`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ language: 'sql', text }) })
  const said = await r.text()
  if (!r.ok || said.includes('"error"')) throw new Error(`${text}: ${said}`)
  return said
}
export async function loadFixture(server: Server): Promise<void> {
  const logs = join(server.home, 'logs')
  const parts = [`CREATE FILE CONNECTION logs ROOT = '${logs}'`]
  for (const [name, lines] of Object.entries(TABLES)) {
    const folder = join(logs, name, '2024/04/18/00/00')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'flows.log.gz'), gzipSync([HEAD, ...lines(), ''].join('\n'), { level: 1 }))
    parts.push(`CREATE ICEBERG TABLE default_glue_catalog.net.${name}()`, `CREATE SYNC JOB load_${name} START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd/HH/mm' CONTENT_TYPE = AUTO COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string)) AS COPY FROM FILE logs LOCATION = '${name}' INTO default_glue_catalog.net.${name}`)
  }
  parts.push('CREATE ICEBERG TABLE default_glue_catalog.net.services (port int, last_seen timestamp) PRIMARY KEY port',
    'CREATE SYNC JOB list_services START_FROM = BEGINNING RUN_INTERVAL = 1 MINUTE AS INSERT INTO default_glue_catalog.net.services MAP_COLUMNS_BY_NAME SELECT dstport AS port, $event_time AS last_seen FROM default_glue_catalog.net.mid WHERE TIME_FILTER()')
  for (const p of parts) await post(server.url, p)
  for (let i = 0; ; i++) {
    const said = await post(server.url, `SELECT ${TABLE_NAMES.map((t) => `(SELECT count(*) FROM default_glue_catalog.net.${t}) AS ${t}`).join(', ')}, (SELECT count(*) FROM default_glue_catalog.net.services) AS services`)
    if (/\[4000,40000,50000,4\]/.test(said)) break
    if (i > 600) throw new Error(`the fixture's jobs did not load: ${said}`)
    await new Promise((r) => setTimeout(r, 200))
  }
  const { schema } = (await (await fetch(`${server.url}/api/schema`)).json()) as { schema: any }
  const edge = (label: string, table: string, to: string, toLabel: string) => ({
    label, from: 'devices', to: toLabel,
    mappedTableSource: { catalog: schema.edges[0].mappedTableSource.catalog, schema: 'net', table, metaFields: { id: 'primary_key', from: 'srcaddr', to } },
    attributes: [['srcport', 'Int'], ['dstport', 'Int'], ['protocol', 'Int'], ['packets', 'Long'], ['bytes', 'Long'], ['start', 'Long'], ['action', 'String']].map(([name, type]) => ({ name, type })).filter((a) => a.name !== to),
  })
  schema.vertices.push({ label: 'services', mappedTableSource: { catalog: schema.edges[0].mappedTableSource.catalog, schema: 'net', table: 'services', metaFields: { id: 'port' } }, attributes: [{ name: 'last_seen', type: 'DateTime' }] })
  schema.edges.push(...TABLE_NAMES.map((t) => edge(t, t, 'dstaddr', 'devices')), edge('reaches', 'mid', 'dstport', 'services'))
  const put = await fetch(`${server.url}/api/schema`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(schema) })
  if (!put.ok) throw new Error(`the fixture's schema: ${await put.text()}`)
}

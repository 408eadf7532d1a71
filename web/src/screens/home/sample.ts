/** The first look: sample logs, the tutorial's worksheet for real, a schema, a planted port scan. */
import { json } from '../../api/client'
import { columns, jobs, lettersOf, tables } from '../../api/lake'
import { ask, select, sqlText } from '../../api/query'
import { statements } from '../../ui/Editor'
import { suggest, toSchema } from '../schema/model'

export type Say = (step: string, detail: string) => void
const CONNECTIONS = 'default_glue_catalog.puppygraph.vpcflowlogs_connections'
const DEVICES = 'default_glue_catalog.puppygraph.vpcflowlogs_devices'

export const worksheet = (folder: string): string => `CREATE FILE CONNECTION samples ROOT = ${sqlText(folder)};
CREATE ICEBERG TABLE ${CONNECTIONS}() PARTITIONED BY $event_date;
CREATE SYNC JOB ingest_vpcflowlogs_connections START_FROM = BEGINNING DATE_PATTERN = 'yyyy/MM/dd/HH/mm' CONTENT_TYPE = AUTO
  COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))
AS COPY FROM FILE samples LOCATION = '.' INTO ${CONNECTIONS};
CREATE ICEBERG TABLE ${DEVICES} (device_id string, device_type string, last_seen timestamp, partition_date date) PARTITIONED BY partition_date PRIMARY KEY device_id;
${['dst', 'src'].map((end) => `CREATE SYNC JOB create_unique_device_table_from_${end}addr START_FROM = BEGINNING ADD_MISSING_COLUMNS = TRUE RUN_INTERVAL = 1 MINUTE
AS INSERT INTO ${DEVICES} MAP_COLUMNS_BY_NAME
SELECT ${end}addr::string as device_id, '${end === 'dst' ? 'dest' : 'source'}' as device_type, $event_date as partition_date, $event_time as last_seen
FROM ${CONNECTIONS} WHERE TIME_FILTER();`).join('\n')}`

async function until(what: () => Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    if (await what()) return true
    await new Promise((done) => setTimeout(done, 300))
  }
  return false
}

/** The scanner and what it scans, as "from,to". */
export async function exploreSample(say: Say, signal: AbortSignal): Promise<string> {
  say('Making sample flow logs', '200,000 records of one day, with five planted stories')
  const made = await json<{ folder: string; stories: string }>('POST', '/api/sample', { rows: 200000 }, signal)
  const text = worksheet(made.folder)
  const parts = statements(text).map(([a, b]) => text.slice(a, b).trim())
  for (const [i, part] of parts.entries()) {
    say('Running the worksheet', `${i + 1} of ${parts.length}: ${part.split('\n')[0]!.slice(0, 70)}`)
    await ask({ language: 'sql', text: part }, signal)
  }
  const isLoaded = await until(async () => {
    signal.throwIfAborted()
    const all = await jobs()
    const rows = all.find((j) => j.name.startsWith('ingest_'))?.rows ?? 0
    say('The jobs are loading', all.map((j) => `${j.name}: ${j.rows.toLocaleString()} rows`).join(' · '))
    const bad = all.find((j) => j.error)
    if (bad) throw new Error(`job ${bad.name}: ${bad.error}`)
    return rows >= 199000 && all.filter((j) => j.name.startsWith('create_unique')).every((j) => j.rows > 0)
  }, 120000)
  if (!isLoaded) throw new Error('The jobs did not finish in two minutes: see the Jobs screen.')
  say('Applying the graph schema', 'devices and connections')
  const proposal = suggest(await tables(), await columns())
  if (!proposal) throw new Error('The tables do not have the columns of flow logs.')
  await json('PUT', '/api/schema', toSchema(proposal, await columns()))
  say('Looking for the scan', 'one source, many rejected ports')
  const found = await select<{ s: string; d: string }>(`SELECT srcaddr AS s, dstaddr AS d FROM ${CONNECTIONS} WHERE action = 'REJECT' GROUP BY 1, 2 ORDER BY count(DISTINCT dstport) DESC LIMIT 1`)
  return `${found[0]!.s},${found[0]!.d}`
}

export async function removeSample(): Promise<void> {
  for (const j of ['ingest_vpcflowlogs_connections', 'create_unique_device_table_from_dstaddr', 'create_unique_device_table_from_srcaddr']) await ask({ language: 'sql', text: `DROP JOB IF EXISTS ${j}` })
  for (const t of [DEVICES, CONNECTIONS, `default_glue_catalog.puppygraph.${lettersOf('ingest_vpcflowlogs_connections')}`]) await ask({ language: 'sql', text: `DROP TABLE IF EXISTS ${t}` })
  await ask({ language: 'sql', text: 'DROP CONNECTION IF EXISTS samples' })
}

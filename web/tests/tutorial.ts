/** The tutorial done by clicks and typing alone: from the one-time link over a connection, jobs, a graph schema to the top 20 recipients. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { badFile, check, cutFile, flowLogs, group, open, Server, settled, sqlRows, type, until } from './harness.ts'

const CONNECTIONS = 'default_glue_catalog.puppygraph.vpcflowlogs_connections'
const DEVICES = 'default_glue_catalog.puppygraph.vpcflowlogs_devices'
/** Those of four files, and the good line of the fifth, which has a bad one. */
const ROWS = 24001
const SENDER = '10.0.1.10'

const insertDevices = (end: string, kind: string): string => `CREATE SYNC JOB create_unique_device_table_from_${end}
START_FROM = BEGINNING
ADD_MISSING_COLUMNS = TRUE
RUN_INTERVAL = 1 MINUTE
AS INSERT INTO ${DEVICES} MAP_COLUMNS_BY_NAME
SELECT ${end}::string as device_id, '${kind}' as device_type, $event_date as partition_date, $event_time as last_seen
FROM ${CONNECTIONS}
WHERE TIME_FILTER();`

/** Put the text at the end of the worksheet and run it, as one statement. */
async function run(page: Page, text: string, says: RegExp): Promise<void> {
  const editor = page.getByLabel('SQL editor')
  await editor.click()
  await page.keyboard.press('Control+End')
  await page.keyboard.press('Enter')
  await type(page, text)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.locator('.said', { hasText: says }).waitFor()
  if (process.env.TIMES) console.log(text.slice(0, 30), Date.now() % 1000000)
}

const rail = (page: Page, name: string) => page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name, exact: true }).click()

/** The four questions, typed; each answer's first column as texts. */
async function gremlin(page: Page, text: string): Promise<string[]> {
  const editor = page.getByRole('textbox', { name: /Gremlin/ }).first()
  await editor.click()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await type(page, text)
  const former = await page.$('[data-testid=facts]')
  await page.keyboard.press('Control+Enter')
  await former?.waitForElementState('hidden')                  // the answer before this one, which stands until the new question is sent
  await page.waitForFunction(() => /\brows?\b/.test(document.querySelector('[data-testid=facts]')?.textContent ?? '') && !/so far/.test(document.querySelector('[data-testid=facts]')!.textContent!))
  await page.locator('.grid [role=gridcell]').first().waitFor()
  await page.waitForTimeout(150)
  return page.locator('.grid [role=gridcell]').allTextContents()
}

export async function tutorial(): Promise<void> {
  const server = new Server(undefined, [])
  await server.start()
  const logs = flowLogs(server, 'samples', 24000)
  badFile(logs.files[0]!)
  cutFile(logs.files[1]!)
  await group('the one-time link that the server prints signs a browser in, once', async () => {
    const link = /open (http:\S+token=\S+)/.exec(server.said)?.[1] ?? ''
    check('it is printed', link !== '')
    const first = await open(link)
    await first.page.getByRole('navigation', { name: 'Screens' }).waitFor()
    check('it signs in', await first.page.locator('.statusbar').innerText().then((t) => t.includes('admin')))
    const second = await open(link)
    await second.page.getByRole('button', { name: 'Sign in' }).waitFor()
    check('a second browser has to sign in', await second.page.getByText('was used already').count(), 1)
    check('no faults', [...first.faults, ...second.faults], [])
    await second.context.close()
    await learn(server, first.page, logs.folder)
    check('no faults to the end', first.faults, [])
    await first.context.close()
  })
  await server.close()
}

async function learn(server: Server, page: Page, folder: string): Promise<void> {
  const cookie = (await page.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ')
  const sql = (text: string) => sqlRows(server, text, cookie)
  const step = async (name: string, f: () => Promise<void>): Promise<void> => group(`  tutorial: ${name}`, f)

  await step('a connection, typed; its folders open in the tree', async () => {
    await rail(page, 'Worksheets')
    await run(page, `CREATE FILE CONNECTION upsolver_samples\nROOT = '${folder}';`, /created connection/)
    await page.getByRole('button', { name: /^upsolver_samples/ }).click()
    await page.getByRole('button', { name: /^AWSLogs/ }).click()
    await page.getByRole('button', { name: /^123456789012/ }).waitFor()
  })
  await step('a table and the job that loads it; rows arrive', async () => {
    await run(page, `CREATE ICEBERG TABLE ${CONNECTIONS}()\nPARTITIONED BY $event_date;`, /created table/)
    await run(page, `CREATE SYNC JOB ingest_connections\nSTART_FROM = BEGINNING\nDATE_PATTERN = 'yyyy/MM/dd/HH/mm'\nCONTENT_TYPE = AUTO\nCOLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))\nAS COPY FROM FILE upsolver_samples LOCATION = '.'\nINTO ${CONNECTIONS};`, /created job/)
    await run(page, `CREATE ICEBERG TABLE ${DEVICES}\n(device_id string, device_type string, last_seen timestamp, partition_date date)\nPARTITIONED BY partition_date\nPRIMARY KEY device_id;`, /created table/)
    await run(page, insertDevices('dstaddr', 'dest'), /created job/)
    await run(page, insertDevices('srcaddr', 'source'), /created job/)
    await page.getByRole('link', { name: 'Open jobs' }).first().click()
    await page.getByRole('table').getByRole('link', { name: 'ingest_connections', exact: true }).waitFor()
    const filled = await until(async () => (await sql(`SELECT count(*) FROM ${DEVICES}`))[0]![0] !== 0 && (await sql('SELECT count(*) FROM system.monitoring.jobs WHERE rows > 0'))[0]![0] === 3 && (await sql(`SELECT count(*) FROM ${CONNECTIONS}`))[0]![0] === ROWS)
    check('all three jobs have written', filled)
    await page.locator('tr', { hasText: 'ingest_connections' }).filter({ hasText: '24.0k' }).waitFor()
    check('the screen says it', true)
  })
  await step('a line that cannot be read: counted, and down to its text', async () => {
    await page.getByRole('link', { name: '1 kept out of ingest_connections' }).click()
    const kept = page.getByRole('region', { name: 'Kept out' })
    await kept.getByText('line 3 has 3 fields, the header has 14').first().waitFor()
    const row = kept.locator('tr', { hasText: '_bad.log' })
    check('file, line, reason and text', await row.locator('td').allInnerTexts().then((t) => [/_bad\.log/.test(t[0]!), ...t.slice(1, 4)]), [true, '3', 'line 3 has 3 fields, the header has 14', '2 not enough'])
    await row.getByRole('button', { name: 'Show in file' }).click()
    check('the line in its file', await kept.locator('.lines .at').innerText().then((t) => t.includes('2 not enough')))
    check('with the line before it', await kept.locator('.lines li').nth(1).innerText().then((t) => t.includes('eni-0a')))
    await kept.getByRole('link', { name: 'Dead-letter table' }).click()
    await page.getByText('ingest_connections_dead_letters').first().waitFor()
    await rail(page, 'Jobs')
  })
  await step('a file that is cut off: left out whole, with the reason and what can be read of it', async () => {
    await page.getByRole('link', { name: '1 bad file of ingest_connections' }).click()
    const left = page.getByRole('region', { name: 'Left out whole' })
    await left.getByText('the gzip data is bad: it ends early').first().waitFor()
    await left.locator('tr', { hasText: '_cut.log.gz' }).getByRole('button', { name: 'Show its beginning' }).click()
    await left.locator('.lines li').first().waitFor()
    check('its header', await left.locator('.lines li').first().innerText().then((t) => /account-id/.test(t)))
  })
  await step('a job that refuses files with bad lines; dropped by its name', async () => {
    await rail(page, 'Worksheets')
    await run(page, 'CREATE ICEBERG TABLE default_glue_catalog.puppygraph.strict();', /created table/)
    await run(page, `CREATE SYNC JOB ingest_strict\nSTART_FROM = BEGINNING\nDATE_PATTERN = 'yyyy/MM/dd/HH/mm'\nCONTENT_TYPE = AUTO\nBAD_LINES = REFUSE_FILE\nAS COPY FROM FILE upsolver_samples LOCATION = '.'\nINTO default_glue_catalog.puppygraph.strict;`, /created job/)
    await rail(page, 'Jobs')
    await page.getByRole('link', { name: '2 bad files of ingest_strict' }).click()
    const left = page.getByRole('region', { name: 'Left out whole' })
    const row = left.locator('tr', { hasText: '_bad.log' })
    await row.waitFor()
    check('file, line, reason', await row.locator('td').allInnerTexts().then((t) => [/_bad\.log/.test(t[0]!), ...t.slice(1, 3)]), [true, '3', 'line 3 has 3 fields, the header has 14'])
    await row.getByRole('button', { name: 'Show in file' }).click()
    check('the line itself', await left.locator('.lines .at').innerText().then((t) => t.includes('2 not enough')))
    await page.getByRole('button', { name: 'Drop…' }).click()
    const dialog = page.getByRole('dialog')
    check('not before its name is typed', await dialog.getByRole('button', { name: 'Drop' }).isDisabled())
    await page.keyboard.type('ingest_strict')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'ingest_strict', exact: true }).waitFor({ state: 'detached' })
    check('it is gone', (await sql("SELECT count(*) FROM system.monitoring.jobs WHERE job_name = 'ingest_strict'"))[0], [0])
  })
  await step('what the columns hold', async () => {
    await rail(page, 'Datasets')
    await page.getByRole('link', { name: CONNECTIONS }).click()
    await page.getByRole('button', { name: 'dstport', exact: true }).click()
    await page.getByRole('region', { name: 'Column dstport' }).getByText('Types over time').waitFor()
    check('a histogram', await page.getByRole('img', { name: /Distribution of dstport: \d+ ranges/ }).count(), 2)
    await page.getByRole('tab', { name: 'Snapshots' }).click()
    await page.getByRole('region', { name: 'Snapshots' }).getByText('append').first().waitFor()
    await page.getByRole('tab', { name: 'Upkeep' }).click()
    await page.getByRole('button', { name: 'Do the upkeep now' }).click()
    await page.getByRole('columnheader', { name: 'Before', exact: true }).waitFor()
    check('rows stay', (await sql(`SELECT count(*) FROM ${CONNECTIONS}`))[0], [ROWS])
  })
  await step('a schema built from the tables, by hand', () => build(page))
  await step('lineage: the way of a column', async () => {
    await rail(page, 'Lineage')
    await page.locator('.part.table .part-column', { hasText: 'device_id' }).click()
    await page.getByTestId('way').waitFor()
    const on = await page.locator('.part-column.on').allInnerTexts()
    check('from the files to the label', ['srcaddr', 'dstaddr', 'device_id', 'id'].every((n) => on.some((t) => t.startsWith(n))))
    check('edges follow it', (await page.locator('.react-flow__edge.way').count()) >= 6)
  })
  await step('a schema file: a fault is shown at its place, then it is compared, applied and rolled back', () => upload(server, page))
  await step('the questions of the tutorial', async () => {
    await rail(page, 'Gremlin Query')
    const [[vertices], [edges]] = [(await sql(`SELECT count(*) FROM ${DEVICES}`))[0]!, (await sql(`SELECT count(*) FROM ${CONNECTIONS} WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL`))[0]!]
    check('vertices', await gremlin(page, 'g.V().count()'), [String(vertices)])
    check('edges', await gremlin(page, 'g.E().count()'), [String(edges)])
    const [[peers]] = [(await sql(`SELECT count(DISTINCT dstaddr) FROM ${CONNECTIONS} WHERE srcaddr = '${SENDER}'`))[0]!]
    check('recipients of a sender', await gremlin(page, `g.V('devices:::${SENDER}').out().dedup().count()`), [String(peers)])
    const top = await gremlin(page, `g.V('devices:::${SENDER}').outE().as('sends').inV().as('dest').group().by(select('dest').id()).by(select('sends').values('packets').sum()).unfold().order().by(select(values), desc).limit(20)`)
    const want = await sql(`SELECT dstaddr, CAST(sum(packets) AS BIGINT) FROM ${CONNECTIONS} WHERE srcaddr = '${SENDER}' AND dstaddr IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 20`)
    const sums = (texts: string[]): number[] => texts.map((t) => Number(/(\d+)\D*$/.exec(t)?.[1]))
    check('twenty of them', top.length, Math.min(20, want.length))
    check('the top recipients by packets, as SQL counts them', sums(top), want.map((r) => Number(r[1])))
    check('the first by name', top[0]!.includes(String(want[0]![0])))
  })
  await step('and the picture', async () => {
    await rail(page, 'Visualize')
    const s = await settled(page)
    check('the graph is drawn', s.nodes.length > 3)
  })
}

/** Vertex and edge by the form; the server is asked for each choice. */
async function build(page: Page): Promise<void> {
  await rail(page, 'Schema')
  const form = page.getByRole('region', { name: 'Element' })
  await page.getByRole('button', { name: 'Vertex', exact: true }).click()
  await form.getByLabel('Label').fill('devices')
  await form.getByLabel('Table').selectOption({ label: await form.getByLabel('Table').locator('option', { hasText: 'vpcflowlogs_devices' }).innerText() })
  await form.getByLabel(/^Id/).selectOption('device_id')
  await form.getByText('100.0 % distinct').waitFor()
  await form.getByRole('button', { name: 'All' }).click()
  await page.getByRole('button', { name: 'Edge', exact: true }).click()
  await form.getByLabel('Label').fill('connections')
  await page.getByRole('button', { name: 'Validate' }).click()
  await page.getByRole('alert').getByText('choose a table').waitFor()
  await form.getByLabel('Table').selectOption({ label: await form.getByLabel('Table').locator('option', { hasText: 'vpcflowlogs_connections' }).innerText() })
  await form.getByLabel('Id (may be none)').selectOption('primary_key')
  await form.getByLabel('From column').selectOption('srcaddr')
  await form.getByLabel('To column').selectOption('dstaddr')
  await form.getByLabel('From vertex').selectOption('devices')
  await form.getByLabel('To vertex').selectOption('devices')
  await form.getByText(/of the values are a devices/).first().waitFor()
  for (const name of ['packets', 'bytes', 'action', 'dstport', 'start']) await form.getByRole('checkbox', { name, exact: true }).check()
  await page.getByRole('button', { name: 'Validate' }).click()
  await page.getByText('The tables have everything').waitFor()
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.getByText('Version 1 is active').first().waitFor()
  check('it is active', true)
}

async function upload(server: Server, page: Page): Promise<void> {
  await rail(page, 'Schema')
  await page.getByRole('tab', { name: 'JSON' }).waitFor()
  const table = (name: string, metaFields: object): object => ({ catalog: 'puppygraph_upsolver', schema: 'puppygraph', table: name, metaFields })
  const schema = {
    catalogs: [{ name: 'puppygraph_upsolver', type: 'iceberg', metastore: { type: 'embedded' } }],
    vertices: [{ label: 'devices', mappedTableSource: table('vpcflowlogs_devices', { id: 'device_id' }), attributes: [{ name: 'device_type', type: 'String' }, { name: 'last_seen', type: 'DateTime' }] }],
    edges: [{ label: 'connections', from: 'devices', to: 'devicez', mappedTableSource: table('vpcflowlogs_connections', { id: 'primary_key', from: 'srcaddr', to: 'dstaddr' }), attributes: ['packets', 'bytes', 'start', 'dstport', 'action'].map((name) => ({ name, type: name === 'action' ? 'String' : 'Long' })) }],
  }
  const file = join(server.home, 'schema.json')
  writeFileSync(file, JSON.stringify(schema, null, 2))
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Upload' }).click()])
  await chooser.setFiles(file)
  await page.getByRole('button', { name: 'Validate' }).click()
  await page.getByRole('alert').getByText(/devicez/).waitFor()
  const line = JSON.stringify(schema, null, 2).split('\n').findIndex((l) => l.includes('"edges"')) + 2
  check('the fault is at the edge in the text', await page.getByRole('button', { name: /Go to line/ }).innerText(), `Go to line ${line}`)
  check('and marked there', (await page.locator('.cm-lintRange-error').count()) > 0)
  schema.edges[0]!.to = 'devices'
  await page.getByLabel('Schema JSON').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(JSON.stringify(schema, null, 2))
  await page.getByRole('button', { name: 'Diff' }).click()
  await page.getByRole('dialog').locator('ins', { hasText: 'puppygraph_upsolver' }).first().waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click()
  await page.getByText('Version 2 is active').first().waitFor()
  await page.getByRole('button', { name: 'Versions' }).click()
  await page.getByRole('row', { name: /Version 1/ }).getByRole('button', { name: 'What it would change' }).click()
  await page.getByRole('dialog').locator('del', { hasText: 'puppygraph_upsolver' }).first().waitFor()
  await page.getByRole('row', { name: /Version 1/ }).getByRole('button', { name: 'Roll back to it' }).click()
  await page.getByText('Version 3 is active').first().waitFor()
  check('rolled back as a new version', true)
}

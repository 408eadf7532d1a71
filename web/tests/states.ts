/** What is shown when there is nothing, when the server goes away and comes back, when the page is loaded anew, when a long action is cancelled. */
import type { Page } from 'playwright-core'
import { AxeBuilder } from './axe.ts'
import { check, group, open, Server, sqlRows, until } from './harness.ts'

const TABLE = 'default_glue_catalog.net.quiet'
/** Each screen over an empty home, and what it says then. */
const EMPTY: [string, RegExp][] = [
  ['', /Explore sample data/], ['worksheets', /Run all/], ['jobs', /No jobs yet/], ['datasets', /No tables yet/], ['lineage', /Nothing flows yet/],
  ['schema', /No graph schema yet/], ['visualize', /No graph schema yet/], ['gremlin', /No graph schema yet/], ['console', /Gremlin console/], ['cypher', /No graph schema yet/], ['dashboard', /Jobs/],
]

export async function states(): Promise<void> {
  const server = new Server()
  await server.start()
  await empty(server)
  await cancelled(server)
  await emptyTable(server)
  await restart(server)
  await reload(server)
  await server.close()
}

async function empty(server: Server): Promise<void> {
  for (const theme of ['dark', 'light'] as const)
    await group(`an empty home: every screen says what to do, ${theme}`, async () => {
      const { page, faults, context } = await open(server.url, theme)
      for (const [screen, says] of EMPTY) {
        await page.goto(`${server.url}/#/${screen}`)
        await page.locator('main').getByText(says).first().waitFor()
        check(`axe: empty ${screen || 'home'} ${theme}`, await AxeBuilder(page), [])
      }
      check('no faults', faults, [])
      await context.close()
    })
}

async function cancelled(server: Server): Promise<void> {
  await group('the first run can be cancelled', async () => {
    const { page, context } = await open(server.url)
    let release = (): void => undefined
    const held = new Promise<void>((done) => { release = done })
    await page.route('**/api/sample', async (route) => {
      await held
      await route.abort().catch(() => undefined)
    })
    await page.getByRole('button', { name: 'Explore sample data' }).click()
    await page.getByText('Making sample flow logs').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Making sample flow logs').waitFor({ state: 'detached' })
    check('it can be started again', await page.getByRole('button', { name: 'Explore sample data' }).isEnabled())
    check('cancelled is no failure', await page.getByRole('alert').count(), 0)
    release()
    await context.close()
  })
}

async function emptyTable(server: Server): Promise<void> {
  await group('a table without rows', async () => {
    await sqlRows(server, `CREATE ICEBERG TABLE ${TABLE} (id string, srcaddr string, dstaddr string, bytes bigint)`)
    await sqlRows(server, 'CREATE ICEBERG TABLE default_glue_catalog.net.hosts (host string)')
    const source = (table: string, metaFields: object): object => ({ catalog: 'lake', schema: 'net', table, metaFields })
    const schema = {
      catalogs: [{ name: 'lake', type: 'iceberg', metastore: { type: 'embedded' } }],
      vertices: [{ label: 'hosts', mappedTableSource: source('hosts', { id: 'host' }), attributes: [] }],
      edges: [{ label: 'flows', from: 'hosts', to: 'hosts', mappedTableSource: source('quiet', { id: 'id', from: 'srcaddr', to: 'dstaddr' }), attributes: [{ name: 'bytes', type: 'Long' }] }],
    }
    const put = await fetch(`${server.url}/api/schema`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(schema) })
    check('its schema is applied', put.ok ? '' : await put.text(), '')
    const { page, faults, context } = await open(`${server.url}/#/visualize`)
    await page.getByText('The table has no rows yet: run its job.').waitFor()
    check('axe: an empty scene', await AxeBuilder(page), [])
    await page.goto(`${server.url}/#/datasets/${TABLE}`)
    await page.getByText('The table has no rows yet.').waitFor()
    await page.getByRole('tab', { name: 'Preview' }).click()
    await page.getByText('No rows.').waitFor()
    await page.goto(`${server.url}/#/gremlin?text=${encodeURIComponent('g.V()')}`)
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+Enter')
    await page.getByText(/^0 rows/).waitFor()
    check('no faults', faults, [])
    await context.close()
  })
}

const editorText = (page: Page): Promise<string> => page.locator('.cm-content').innerText()

async function restart(server: Server): Promise<void> {
  await group('the server goes away and comes back', async () => {
    const { page, context } = await open(`${server.url}/#/worksheets`)
    const editor = page.locator('.cm-content')
    await editor.click()
    await page.keyboard.insertText('SELECT 42 AS answer')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('gridcell', { name: '42' }).waitFor()
    await server.stop()
    await page.getByText(/^Reconnecting… what is shown is from/).waitFor()
    check('one banner', await page.locator('.banner').count(), 1)
    check('what was shown stays', await page.getByRole('gridcell', { name: '42' }).count(), 1)
    check('axe: without a server', await AxeBuilder(page), [])
    await editor.click()
    await page.keyboard.press('Control+End')
    await page.keyboard.insertText(' -- typed meanwhile')
    await page.keyboard.press('Control+Enter')
    await page.getByText('The server cannot be reached', { exact: true }).waitFor()
    check('the text stays', (await editorText(page)).includes('typed meanwhile'))
    await server.start()
    await page.locator('.banner').waitFor({ state: 'detached' })
    await editor.click()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('gridcell', { name: '42' }).waitFor()
    await page.getByText('saved', { exact: true }).waitFor()
    await page.reload()
    await page.locator('.cm-content').getByText('typed meanwhile').waitFor()
    check('what was typed meanwhile is kept', true)
    await context.close()
  })
  await group('an older text that could not be saved does not come behind a newer one', async () => {
    const { page, context } = await open(`${server.url}/#/worksheets`)
    let fail: (() => void) | undefined
    let puts = 0
    await page.route('**/api/documents/worksheets.open', async (route) => {
      if (route.request().method() !== 'PUT' || ++puts > 1) return route.continue()
      await new Promise<void>((done) => { fail = done })
      return route.abort()
    })
    const text = async (): Promise<string> => (await fetch(`${server.url}/api/documents/worksheets.open`)).text()
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type(' -- older')
    await until(() => Promise.resolve(puts === 1))
    await page.keyboard.type(' newer')
    await until(async () => (await text()).includes('older newer'))
    await page.getByText('saved', { exact: true }).waitFor()
    fail!()
    await page.waitForTimeout(3000)                        // an older one would be tried again by then
    check('the newer text stays', (await text()).includes('older newer'))
    check('it is not tried again', puts, 2)
    check('nothing waits for the next page', await page.evaluate(() => sessionStorage.length), 0)
    await context.close()
  })
  await group('a query that runs when the server goes away', async () => {
    const { page, context } = await open(`${server.url}/#/worksheets`)
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText('SELECT count(*) FROM range(1000000000) a, range(1000000) b')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Cancel' }).first().waitFor()
    await until(async () => ((await (await fetch(`${server.url}/api/query`)).json()) as { queries: unknown[] }).queries.length > 0)
    await server.stop()
    await page.getByText(/broke off|cannot be reached|going down|shutting down|stopp|[Cc]ancelled/).first().waitFor()
    check('it is said', true)
    await server.start()
    await page.locator('.banner').waitFor({ state: 'detached' })
    await context.close()
  })
}

async function reload(server: Server): Promise<void> {
  await group('what was set survives a reload', async () => {
    const { page, faults, context } = await open(`${server.url}/#/worksheets`)
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Delete')
    await page.keyboard.type('SELECT 7 AS seven')
    await page.getByText('saved', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Light theme' }).click()
    await page.getByRole('button', { name: 'UTC' }).click()
    await page.getByRole('button', { name: /^Rail/ }).click()
    await page.reload()
    await page.locator('.cm-content').getByText('SELECT 7 AS seven').waitFor()
    await page.getByRole('button', { name: 'Dark theme' }).waitFor()
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type(', 8')
    await page.reload() // before it was saved
    await page.locator('.cm-content').getByText('SELECT 7 AS seven, 8').waitFor()
    await page.getByText('saved', { exact: true }).waitFor()
    check('theme, time zone, rail', [await page.getByRole('button', { name: 'Local' }).count(), await page.locator('.shell.narrow').count()], [1, 1])
    await page.goto(`${server.url}/#/datasets/${TABLE}`)
    await page.getByRole('tab', { name: 'Snapshots' }).click()
    await page.reload()
    await page.getByRole('tab', { name: 'Snapshots', selected: true }).waitFor()
    check('the open part of a dataset', true)
    await page.goto(`${server.url}/#/dashboard`)
    await page.getByLabel('Refresh').selectOption('300')
    await until(async () => (await (await fetch(`${server.url}/api/documents/dashboards.main`)).text()).includes('300'))
    await page.reload()
    await page.locator('.tile').first().waitFor()
    check('the dashboard', await page.getByLabel('Refresh').inputValue(), '300')
    check('no faults', faults, [])
    await context.close()
  })
}

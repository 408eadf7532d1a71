/** docs/screenshots: every screen in both themes, over sample data with a bad line in it.
 * SHOTS is another folder, SHOT_WIDTH another width, SHOT_TYPE=png another format; SHOT_ONLY names screens. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { badFile, closeBrowser, cutFile, open, ROOT, Server, settled, sqlRows, until } from './harness.ts'

const out = process.env.SHOTS ?? join(ROOT, 'docs/screenshots')
const format = process.env.SHOT_TYPE === 'png' ? 'png' : 'webp'
const width = Number(process.env.SHOT_WIDTH ?? 1280)
const only = process.env.SHOT_ONLY?.split(',')
const TABLE = 'default_glue_catalog.puppygraph.vpcflowlogs_connections'

const texts = {
  sql: `SELECT srcaddr, dstaddr, count(DISTINCT dstport) AS ports, count(*) AS flows\nFROM ${TABLE}\nWHERE action = 'REJECT'\nGROUP BY ALL HAVING ports > 3 ORDER BY ports DESC, flows DESC LIMIT 50`,
  gremlin: "g.V('devices:::10.0.2.10').outE('connections')\n .has('dstport', within(22, 443, 3389))\n .limit(60)",
  cypher: "MATCH (a:devices)-[e:connections]->(b:devices)\nWHERE e.action = 'REJECT'\nRETURN a.device_id AS source, b.device_id AS target, count(e) AS refused\nORDER BY refused DESC LIMIT 25",
}
const answered = (page: Page) => page.waitForFunction(() => { const t = document.querySelector('[data-testid=facts]')?.textContent ?? ''; return /\brows?\b/.test(t) && !t.includes('so far') })
const run = async (page: Page, tab?: string): Promise<void> => {
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+Enter')
  await answered(page)
  if (tab) await page.getByRole('tab', { name: tab }).click()
}
const query = (screen: string, text: string): string => `${screen}?text=${encodeURIComponent(text)}`

/** Each screen's address and what is done there before the picture. */
const screens: Record<string, [string, (page: Page) => Promise<unknown>]> = {
  home: ['', (page) => page.getByText('Sample data is loaded').waitFor()],
  visualize: ['visualize?story=198.51.100.77,10.0.2.10', async (page) => {
    await settled(page)
    await page.locator('.stage').focus()
    await page.keyboard.press('e')
  }],
  worksheets: [query('worksheets', texts.sql), (page) => run(page)],
  jobs: ['jobs/ingest_vpcflowlogs_connections?tab=overview', (page) => page.locator('.uplot').first().waitFor()],
  'jobs-errors': ['jobs/ingest_vpcflowlogs_connections?tab=errors', async (page) => {
    await page.getByRole('button', { name: 'Show in file' }).first().click()
    await page.locator('.lines .at').waitFor()
  }],
  datasets: [`datasets/${TABLE}`, (page) => page.getByText('dstport').first().waitFor()],
  lineage: ['lineage', (page) => page.locator('.react-flow__node').first().waitFor()],
  schema: ['schema', (page) => page.getByRole('button', { name: 'Validate' }).waitFor()],
  gremlin: [query('gremlin', texts.gremlin), (page) => run(page, 'Graph')],
  cypher: [query('cypher', texts.cypher), (page) => run(page)],
  console: ['console', async (page) => {
    for (const [i, text] of ['g.V().count()', "scanner = g.V('devices:::198.51.100.77').next()", "g.V(scanner).outE().values('dstport').dedup().limit(5)"].entries()) {
      await page.locator('#prompt').fill(text)
      await page.keyboard.press('Enter')
      await page.locator('.entry pre').nth(i).waitFor()
    }
  }],
  dashboard: ['dashboard', (page) => page.waitForFunction(() => document.querySelectorAll('.tile').length > 6 && !document.querySelector('.tile .skeleton'))],
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(1200)
  const cdp = await page.context().newCDPSession(page)
  const { data } = await cdp.send('Page.captureScreenshot', { format, ...(format === 'webp' ? { quality: 82 } : {}) })
  writeFileSync(join(out, `${name}.${format}`), Buffer.from(data, 'base64'))
  await cdp.detach()
}

async function prepare(server: Server): Promise<void> {
  const { page, context } = await open(server.url)
  await page.getByRole('button', { name: 'Explore sample data' }).click()
  await page.waitForFunction(() => location.hash.startsWith('#/visualize'))
  await settled(page)
  const place = (await sqlRows(server, "SELECT uri FROM system.monitoring.files LIMIT 1"))[0]![0] as string
  const file = place.replace('file://', '')
  badFile(file)
  const text = join(dirname(file), '123456789012_vpcflowlogs_us-east-1_fl-0whole_20240418T0005Z_0000.log.gz')
  writeFileSync(text, gzipSync(readFileSync(badFile(file)).subarray(0, -13)))
  cutFile(text)
  await until(async () => (await sqlRows(server, 'SELECT count(*) FROM system.monitoring.jobs WHERE rows_dropped > 0 AND files_bad > 0'))[0]![0])
  await context.close()
}

mkdirSync(out, { recursive: true })
if (!only && !process.env.SHOTS) for (const f of readdirSync(out)) rmSync(join(out, f))
const server = new Server()
await server.start()
await prepare(server)
const guarded = new Server(undefined, [])
await guarded.start()
for (const theme of ['dark', 'light'] as const) {
  const { page, context } = await open(guarded.url, theme, { width, height: Math.round(width * 0.625) })
  if (!only || only.includes('sign-in')) {
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await shoot(page, `sign-in-${theme}`)
  }
  for (const [name, [hash, f]] of Object.entries(screens)) {
    if (only && !only.includes(name)) continue
    await page.goto('about:blank')
    await page.goto(`${server.url}/#/${hash}`)
    await f(page).catch((e: Error) => console.error(`${name}: ${e.message.split('\n')[0]}`))
    await shoot(page, `${name}-${theme}`)
  }
  await context.close()
}
await closeBrowser()
await server.close()
await guarded.close()

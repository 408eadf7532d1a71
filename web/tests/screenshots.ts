/** docs/screenshots: every screen in both themes, over sample data. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { closeBrowser, open, ROOT, Server, settled } from './harness.ts'

const out = process.env.SHOTS ?? join(ROOT, 'docs/screenshots')
mkdirSync(out, { recursive: true })
const server = new Server()
await server.start()
const first = await open(server.url)
await first.page.getByRole('button', { name: 'Explore sample data' }).click()
await first.page.waitForFunction(() => location.hash.startsWith('#/visualize'), undefined, { timeout: 60000 })
await settled(first.page)
for (const theme of ['dark', 'light'] as const) {
  const { page, context } = await open(server.url, theme)
  for (const screen of ['visualize', 'worksheets', 'jobs', 'datasets', 'lineage', 'schema', 'gremlin', 'console', 'cypher', 'dashboard']) {
    await page.goto(`${server.url}/#/${screen}`)
    await page.waitForTimeout(1500)
    await page.screenshot({ path: join(out, `${screen}-${theme}.png`) })
  }
  await context.close()
}
await closeBrowser()
await server.close()

/** The UI in Chromium against the real server: the first run, every screen, the scene. */
import { AxeBuilder } from './axe.ts'
import { check, closeBrowser, finish, group, open, scene, Server, settled } from './harness.ts'

const SCREENS = ['worksheets', 'jobs', 'datasets', 'lineage', 'schema', 'visualize', 'gremlin', 'console', 'cypher', 'dashboard']
const server = new Server()
await server.start()

await group('the first run opens a planted port scan in under 30 s', async () => {
  const { page, faults, context } = await open(server.url)
  const started = Date.now()
  await page.getByRole('button', { name: 'Explore sample data' }).click()
  await page.waitForFunction(() => location.hash.startsWith('#/visualize'), undefined, { timeout: 30000 })
  const s = await settled(page)
  check('in under 30 s', Date.now() - started < 30000)
  check('the scanner is in the scene', s.nodes.includes('198.51.100.77'))
  check('its target too', s.nodes.includes('10.0.2.10'))
  check('no faults', faults, [])
  await context.close()
})

await group('a scene: expand, undo, redo, hide, address restores it', async () => {
  const { page, faults, context } = await open(`${server.url}/#/visualize`)
  const first = await settled(page)
  check('opens on a grouped overview of at most 300', first.nodes.length > 3 && first.nodes.length <= 300)
  await page.getByLabel(/Find an address/).fill('10.0.1.10')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => (window as any).floeScene().nodes.includes('10.0.1.10'))
  await page.getByRole('button', { name: 'Expand' }).click()
  await page.waitForFunction(() => Object.keys((window as any).floeScene().spec.grown).length > 0)
  const grown = await settled(page)
  check('the top 50 neighbours', grown.spec.grown['10.0.1.10']?.length <= 50, true)
  await page.getByRole('button', { name: 'Undo' }).click()
  check('undo takes it back', Object.keys((await settled(page)).spec.grown).length, 0)
  await page.getByRole('button', { name: 'Redo' }).click()
  check('redo brings it again', (await settled(page)).spec.grown['10.0.1.10']?.length, grown.spec.grown['10.0.1.10']?.length)
  await page.waitForTimeout(800)
  await page.reload()
  await settled(page)
  check('the address restores the scene', (await scene(page)).spec.nodes, grown.spec.nodes)
  check('no faults', faults, [])
  await context.close()
})

for (const theme of ['dark', 'light'] as const)
  await group(`axe on every screen, ${theme}`, async () => {
    const { page, faults, context } = await open(server.url, theme)
    for (const screen of SCREENS) {
      await page.goto(`${server.url}/#/${screen}`)
      await page.waitForTimeout(900)
      check(`${screen} ${theme}`, await AxeBuilder(page), [])
    }
    check('no faults', faults, [])
    await context.close()
  })

await closeBrowser()
await server.close()
finish()

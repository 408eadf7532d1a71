/** The first run: one button, real jobs, a planted port scan. It leaves the sample data behind for the other parts. */
import { bar, check, group, open, PATIENCE, settled, type Server } from './harness.ts'

export async function firstRun(server: Server): Promise<void> {
  await group('the first run opens a planted port scan', async () => {
    const { page, faults, context } = await open(server.url)
    const started = Date.now()
    await page.getByRole('button', { name: 'Explore sample data' }).click()
    await page.waitForFunction(() => location.hash.startsWith('#/visualize'), undefined, { timeout: 2 * PATIENCE })
    const s = await settled(page)
    bar('from the button to the port scan', (Date.now() - started) / 1000, 30, 's')
    check('the scanner is in the scene', s.nodes.includes('198.51.100.77'))
    check('its target too', s.nodes.includes('10.0.2.10'))
    check('no faults', faults, [])
    await context.close()
  })
}

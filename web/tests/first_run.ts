/** The first run: one button, real jobs, a planted port scan. It leaves the sample data behind for the other parts. */
import { check, group, open, settled, type Server } from './harness.ts'

export async function firstRun(server: Server): Promise<void> {
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
}

/** The scene of Visualize. */
import { check, group, open, scene, settled, type Server } from './harness.ts'

export async function scenes(server: Server): Promise<void> {
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
}

/** Every screen in both themes: what axe finds, what the policy forbids, whom the page speaks to. */
import { AxeBuilder } from './axe.ts'
import { check, group, open, type Server } from './harness.ts'

const SCREENS = ['', 'worksheets', 'jobs', 'datasets', 'lineage', 'schema', 'visualize', 'gremlin', 'console', 'cypher', 'dashboard']

export async function policy(server: Server): Promise<void> {
  for (const theme of ['dark', 'light'] as const)
    await group(`axe on every screen, ${theme}`, async () => {
      const { page, faults, context } = await open(server.url, theme)
      for (const screen of SCREENS) {
        await page.goto(`${server.url}/#/${screen}`)
        await page.waitForTimeout(900)
        check(`axe: ${screen || 'home'} ${theme}`, await AxeBuilder(page), [])
      }
      check('no error, no request to another host, nothing against the policy', faults, [])
      await context.close()
    })
}

/** What axe finds against WCAG 2.2 AA: "rule: place", one for each. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { ROOT } from './harness.ts'

const source = readFileSync(join(ROOT, 'web/node_modules/axe-core/axe.min.js'), 'utf8')
export async function AxeBuilder(page: Page): Promise<string[]> {
  await page.evaluate(source)
  return page.evaluate(async () => {
    const r = await (window as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })
    return r.violations.flatMap((v: any) => v.nodes.slice(0, 3).map((n: any) => `${v.id}: ${n.target.join(' ')}`))
  })
}

/** The analyst's story without a mouse, and what the Tab key finds on every screen. */
import type { Page } from 'playwright-core'
import { check, group, open, settled, type, type Server } from './harness.ts'

interface Stop { what: string; isSeen: boolean; isInside: boolean }

/** The element that has the focus, through shadow roots: its name, whether a ring or bar shows it, whether it is in view. */
const focused = (page: Page): Promise<Stop> => page.evaluate(() => {
  let e = document.activeElement as HTMLElement | null
  while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement as HTMLElement
  if (!e || e === document.body) return { what: 'body', isSeen: true, isInside: true }
  const rings = (x: Element | null): boolean => {
    if (!x) return false
    const s = getComputedStyle(x)
    return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none'
  }
  const r = e.getBoundingClientRect()
  const name = (e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 40)
  return {
    what: `${e.tagName.toLowerCase()} ${e.getAttribute('role') ?? ''} ${name}`.replace(/ +/g, ' ').trim(),
    isSeen: rings(e) || rings(e.closest('.cm-editor')) || rings(e.closest('label')),
    isInside: r.width > 0 && r.height > 0 && r.right > 0 && r.bottom > 0 && r.left < innerWidth && r.top < innerHeight,
  }
})

async function tabTo(page: Page, what: RegExp, most = 60): Promise<boolean> {
  for (let i = 0; i < most; i++) {
    if (what.test((await focused(page)).what)) return true
    await page.keyboard.press('Tab')
  }
  console.error(`  not reached by Tab: ${what}; at ${(await focused(page)).what}`)
  return false
}
const go = async (page: Page, letter: string, title: RegExp): Promise<void> => {
  await page.keyboard.press('g')
  await page.keyboard.press(letter)
  await page.waitForFunction((t) => new RegExp(t).test(document.title), title.source)
}

export async function keyboard(server: Server): Promise<void> {
  await group('keyboard: the analyst finds the scan, without a mouse', async () => {
    const { page, faults, context } = await open(server.url)
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
    await page.keyboard.press('Tab')
    check('the first stop is the link past the rail', (await focused(page)).what.includes('Skip to content'))
    check('and it is seen', await page.locator('.skip').boundingBox().then((b) => (b?.y ?? -1) >= 0))
    await page.keyboard.press('Enter')
    check('it leads to the content', (await focused(page)).what.startsWith('main'))
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    check('help opens and closes', await page.getByRole('dialog').count(), 0)
    await sqlStory(page)
    await jobsStory(page)
    await graphStory(page)
    check('no faults', faults, [])
    await context.close()
  })
  await group('keyboard: a dialog keeps the focus and gives it back', async () => {
    const { page, faults, context } = await open(`${server.url}/#/dashboard`)
    await page.locator('.tile').first().waitFor()
    check('Edit is reached', await tabTo(page, /^button Edit$/))
    await page.keyboard.press('Enter')
    check('a tile can be edited', await tabTo(page, /^button Edit Flows$/))
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press('Tab')
      const isIn = await page.evaluate(() => document.activeElement === document.body || document.querySelector('dialog')!.contains(document.activeElement))
      if (!isIn) check(`stop ${i} is inside`, (await focused(page)).what, 'in the dialog')
    }
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => !document.querySelector('dialog'))
    check('the focus is back where it was', (await focused(page)).what, 'button Edit Flows')
    check('no faults', faults, [])
    await context.close()
  })
  await group('keyboard: every stop of Tab on every screen is seen', () => everyStop(server))
}

async function sqlStory(page: Page): Promise<void> {
  await go(page, 'w', /Worksheets/)
  await page.locator('.cm-content').waitFor()
  check('the editor is reached', await tabTo(page, /textbox SQL editor/))
  await type(page, "SELECT srcaddr, dstaddr, count(DISTINCT dstport) AS ports FROM default_glue_catalog.puppygraph.vpcflowlogs_connections WHERE action = 'REJECT' GROUP BY ALL HAVING ports > 20 ORDER BY srcaddr;")
  await page.keyboard.press('Control+Enter')
  await page.getByRole('grid', { name: 'Result rows' }).waitFor()
  check('Tab leaves the editor for the result', await tabTo(page, /grid Result rows/, 12))
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  check('Enter in the head sorts', await page.getByRole('columnheader', { name: /ports/ }).getAttribute('aria-sort'), 'descending')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Control+c')
  check('Ctrl+C copies the scanner', await page.evaluate(() => navigator.clipboard.readText()), '198.51.100.77')
}

async function jobsStory(page: Page): Promise<void> {
  await go(page, 'j', /Jobs/)
  await page.getByRole('heading', { name: 'Jobs' }).waitFor()
  check('a job is reached', await tabTo(page, /^a ingest_/))
  await page.keyboard.press('Enter')
  check('its parts are reached', await tabTo(page, /^button tab Overview/))
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.getByRole('tab', { name: 'Runs', selected: true }).waitFor()
  await go(page, 'l', /Lineage/)
  await page.locator('.part-column').first().waitFor()
  check('the lineage is one stop', await tabTo(page, /^a samples/))
  for (let i = 0; i < 40 && !/dstaddr/.test((await focused(page)).what); i++) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByTestId('way').waitFor()
  check('the focus stays on the column', (await focused(page)).what.includes('dstaddr'))
}

async function graphStory(page: Page): Promise<void> {
  await go(page, 'v', /Visualize/)
  await settled(page)
  await page.keyboard.press('/')
  await type(page, '198.51.100.77')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => (window as any).floeScene().nodes.includes('198.51.100.77'))
  check('the scanner is found', (await settled(page)).nodes.includes('198.51.100.77'))
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: /Search/ }).waitFor()
  await type2(page, 'Gremlin Query')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.title.startsWith('Gremlin'))
  await page.getByRole('button', { name: /Run/ }).first().waitFor()
  check('the Gremlin editor is reached', await tabTo(page, /textbox .*Gremlin/i))
  await page.keyboard.press('Control+a')
  await type(page, "g.V('devices:::198.51.100.77').outE().has('action', 'REJECT').count()")
  await page.keyboard.press('Control+Enter')
  await page.getByRole('gridcell').first().waitFor()
  check('its refused flows are counted', Number(await page.getByRole('gridcell').first().innerText()) > 200)
}
const type2 = (page: Page, text: string): Promise<void> => page.keyboard.type(text)

/** Tab from the beginning until it comes round, at most so many stops: none without a ring, none out of sight, no trap. */
async function everyStop(server: Server): Promise<void> {
  const { page, faults, context } = await open(server.url)
  for (const screen of ['', 'worksheets', 'jobs', 'datasets', 'lineage', 'schema', 'visualize', 'gremlin', 'console', 'cypher', 'dashboard']) {
    await page.goto(`${server.url}/#/${screen}`)
    await page.waitForTimeout(900)
    await page.evaluate(() => { (document.activeElement as HTMLElement | null)?.blur(); document.getElementById('main')!.focus() })
    const bad: string[] = []
    let [last, same, stops] = ['', 0, 0]
    for (; stops < 45; stops++) {
      await page.keyboard.press('Tab')
      let s = await focused(page)
      if (!s.isSeen) {
        await page.waitForTimeout(100)
        s = await focused(page)
      }
      if (s.what === 'body' || s.what.includes('Skip to content')) break
      if (!s.isSeen) bad.push(`no ring: ${s.what}`)
      if (!s.isInside) bad.push(`out of sight: ${s.what}`)
      same = s.what === last ? same + 1 : 0
      if (same > 8) bad.push(`trapped: ${s.what}`)
      last = s.what
    }
    check(`${screen || 'home'}: ${stops} stops`, [...new Set(bad)], [])
  }
  check('no faults', faults, [])
  await context.close()
}

/** What must stay usable: large scenes, a hub, a million rows, slow queries; with the times that a browser's trace gives. */
import type { CDPSession, Page } from 'playwright-core'
import { bar, check, group, open, PATIENCE, scene, settled, type Server } from './harness.ts'
import { address, facts, find, HUB, within } from './visualize.ts'

const figure = (name: string, value: string): void => console.log(`  ${name}: ${value}`)

/** `tdur` is processor time: what other programs on the machine take is not in it. */
interface TraceEvent { name: string; ts: number; dur?: number; tdur?: number; tid: number; pid: number }
async function traced(page: Page, f: () => Promise<void>): Promise<{ frames: number; scriptMs: number; longestMs: number }> {
  const cdp: CDPSession = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  cdp.on('Tracing.dataCollected', (d) => events.push(...(d.value as unknown as TraceEvent[])))
  await cdp.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8.execute', 'toplevel'] } })
  await f()
  const over = new Promise((done) => cdp.once('Tracing.tracingComplete', done))
  await cdp.send('Tracing.end')
  await over
  await cdp.detach()
  const raf = events.filter((e) => e.name === 'FireAnimationFrame' && e.dur)
  const mine = events.filter((e) => e.dur && e.tid === raf[0]?.tid && e.pid === raf[0]?.pid && ['FireAnimationFrame', 'EventDispatch', 'TimerFire', 'FunctionCall', 'RunMicrotasks', 'v8.callFunction'].includes(e.name)).sort((a, b) => a.ts - b.ts)
  const cpu = (e: TraceEvent): number => e.tdur ?? e.dur!
  let [until, total, longest] = [0, 0, 0]
  for (const e of mine) if (e.ts >= until) {
    total += cpu(e)
    until = e.ts + e.dur!
  }
  for (const e of events) if (e.name === 'RunTask' && e.dur && e.tid === raf[0]?.tid && e.pid === raf[0]?.pid) longest = Math.max(longest, cpu(e))
  return { frames: raf.length, scriptMs: total / 1000 / Math.max(1, raf.length), longestMs: longest / 1000 }
}
async function pan(page: Page): Promise<void> {
  const box = (await page.locator('.stage .canvas').boundingBox())!
  const [x, y] = [box.x + 50, box.y + 50]
  await page.mouse.move(x, y)
  await page.mouse.down()
  for (let i = 0; i < 60; i++) {
    await page.mouse.move(x + i * 3, y + i * 2)
    await page.waitForTimeout(16)
  }
  await page.mouse.up()
  await page.waitForTimeout(400)
}
async function frames(server: Server): Promise<void> {
  for (const [table, nodes, edges, most] of [['mid', 2000, 4000, 8], ['big', 20000, 20000, 20]] as const)
    await group(`panning ${nodes.toLocaleString('en-US')} nodes and ${edges.toLocaleString('en-US')} edges`, async () => {
      const { page, faults, context } = await open(address(server, { edges: [table], isAll: true }))
      const s = await settled(page)
      check('the whole scene is drawn', [s.nodes.length, s.edges.length], [nodes, edges])
      await page.waitForTimeout(800)
      const before = await scene(page)
      const t = await traced(page, () => pan(page))
      bar(`script time a frame, ${nodes} nodes`, t.scriptMs, most)
      bar(`longest task of ${t.frames} frames`, t.longestMs, 100)
      check('it moved', (await scene(page)).camera.x !== before.camera.x)
      if (table === 'big') check('edges that are left out are counted', (await facts(page)).includes('the 20,000 edges with most bytes of 40,000'))
      const names = (await page.evaluate(() => (window as any).floeScene().labels())) as number[][]
      check('no name covers another', names.some((a, i) => names.some((b, k) => k > i && a[0]! < b[2]! && b[0]! < a[2]! && a[1]! < b[3]! && b[1]! < a[3]!)), false)
      check('no faults', faults, [])
      await context.close()
    })
}

async function hub(server: Server): Promise<void> {
  await group('a hub with 50,000 neighbours', async () => {
    const { page, faults, context } = await open(address(server, { edges: ['hub'] }))
    await settled(page)
    const s = await find(page, HUB)
    check('the hub is found', s.nodes.includes(HUB))
    await page.getByTestId('counts').getByText('50,000', { exact: true }).waitFor()
    check('its neighbours are counted before anything is loaded', /out\s+50,000/.test(await page.getByTestId('counts').innerText()))
    await page.getByRole('button', { name: 'Expand', exact: true }).click()
    await within(page, (x) => (x.spec.grown[HUB] ?? []).length === 50, 'the top 50')
    check('top 50 of 50,000 is said', (await page.locator('.facts-bar').innerText()).includes('top 50 of 50,000 neighbours by bytes'))
    check('and the node says what is missing', /\+49,950 more/.test(await page.evaluate((i) => (window as any).floeScene().sigma.getGraph().getNodeAttribute(i, 'label') as string, HUB)))
    await page.locator('.drawer').getByLabel('At most').selectOption('5000')
    const some = await traced(page, async () => {
      await page.getByRole('button', { name: 'Expand', exact: true }).click()
      await within(page, (x) => (x.spec.grown[HUB] ?? []).length === 5000, 'the top 5,000')
    })
    bar('longest task while 5,000 neighbours came', some.longestMs, 100)
    const many = await traced(page, async () => {
      await page.getByLabel('Group by').selectOption('all')
      await within(page, (x) => x.nodes.length > 20000, 'every address')
      await page.waitForTimeout(300)
    })
    bar('longest task while 20,000 addresses came', many.longestMs, 100)
    check('what does not fit stays in its networks, counted', /\(20,000 addresses, \d+ networks\).*the others in their networks/.test(await facts(page)))
    check('no faults', faults, [])
    await context.close()
  })
}

async function mixed(server: Server): Promise<void> {
  await group('several edge labels in one scene', async () => {
    const { page, faults, context } = await open(address(server, { edges: ['mid'], nodes: ['10.20.0.1'] }))
    const alone = await settled(page)
    await page.getByLabel('reaches').click()
    const both = await within(page, (s) => s.spec.edges.length === 2 && s.edges.length > alone.edges.length, 'two labels')
    check('edges of both', ['mid', 'reaches'].every((l) => both.edges.some((e) => e.endsWith(`|${l}`))))
    await page.locator('.stage').focus()
    const services = await find(page, '443')
    check('a vertex of the other label is found', services.nodes.includes('services[443]'))
    check('the legend shows the labels', (await page.locator('ul.legend.lines').innerText()).includes('reaches'))
    check('no faults', faults, [])
    await context.close()
  })
}

async function rows(server: Server): Promise<void> {
  for (const [language, text] of [['gremlin', 'g.V().as("a").V().limit(1100000).id()'], ['cypher', 'UNWIND range(1, 1100000) AS n RETURN n, n * 2 AS twice'], ['sql', 'SELECT n, n * 2 AS twice, \'row \' || n AS name FROM range(1, 1100001) AS r(n)']] as const) {
    await group(`a million rows of ${language}`, async () => {
      const { page, faults, context } = await open(`${server.url}/#/${language === 'sql' ? 'worksheets' : language}?text=${encodeURIComponent(text)}`)
      await page.locator('.cm-content').waitFor()
      const limit = page.getByLabel(/Rows at most|Limit/i)
      if (await limit.count()) await limit.first().selectOption('1000000').catch(() => undefined)
      const t = await traced(page, async () => {
        await page.getByRole('button', { name: /^Run/ }).first().click()
        await page.waitForFunction(() => { const t = document.querySelector('[data-testid=facts]')?.textContent ?? ''; return t.includes('row') && !t.includes('so far') }, undefined, { timeout: PATIENCE })
      })
      const said = await page.getByTestId('facts').innerText()
      bar(`${said.replaceAll('\n', ' ')}, longest task`, t.longestMs, 100)
      check('what was cut is said', /: the limit; there are more/.test(said))
      const grid = page.getByRole('grid', { name: 'Result rows' })
      check('few rows are in the page', (await grid.locator('.grid-row').count()) < 120)
      await grid.focus()
      await page.keyboard.press('End')
      await page.waitForFunction(() => { const g = document.querySelector('.grid')!; return g.scrollTop > 1000 })
      const count = Number(await grid.getAttribute('aria-rowcount')) - 1
      await grid.locator(`[aria-rowindex="${count + 1}"]`).waitFor()
      check('the last row is reached', count >= 1000000 || count === 10000 || count === 100000)
      check('no faults', faults, [])
      await context.close()
    })
  }
}

async function slow(server: Server): Promise<void> {
  await group('a slow query: progress, cancel, and a place for what is wrong', async () => {
    const { page, faults, context } = await open(`${server.url}/#/gremlin`)
    const editor = page.locator('.cm-content')
    await editor.click()
    await page.keyboard.insertText("g.V().repeat(both('connections').simplePath()).times(6).count()")
    await page.keyboard.press('Control+Enter')
    const cancel = page.getByRole('button', { name: 'Cancel' }).first()
    await cancel.waitFor()
    await page.getByText(/Running on the server · [2-9] s|The server has found/).waitFor()
    check('progress is shown', true)
    const started = Date.now()
    await page.keyboard.press('Control+.')
    await page.getByText('Cancelled', { exact: true }).waitFor()
    figure('from cancel to stopped', `${Date.now() - started} ms`)
    let running = 1
    for (let i = 0; i < 300 && running; i++) {
      running = ((await (await fetch(`${server.url}/api/query`)).json()) as { queries: unknown[] }).queries.length
      await page.waitForTimeout(100)
    }
    check('the server has let go of it', running, 0)
    await editor.click()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText("g.V()\n .hasLable('devices')")
    await page.keyboard.press('Control+Enter')
    await page.getByText(/line 2, column/).waitFor()
    const marked = page.locator('.cm-lintRange-error')
    check('the place is marked in the text', /hasLable/.test(await marked.first().innerText()))
    await page.keyboard.press('Control+a')
    await page.keyboard.type("g.V().hasLabel('dev")
    await page.locator('.cm-tooltip-autocomplete').getByText('devices').first().waitFor()
    check('labels complete', true)
    await page.keyboard.press('Escape')
    check('no faults', faults, [])
    await context.close()
  })
  await group('answers as table, graph and JSON; history; the console', async () => {
    const text = "MATCH (a)-[e:connections]->(b) WHERE id(a) = 'devices[198.51.100.77]' RETURN a, e, b LIMIT 20"
    const { page, faults, context } = await open(`${server.url}/#/cypher?text=${encodeURIComponent(text)}`)
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+Enter')
    await page.getByText(/^20 rows/).waitFor()
    await page.getByRole('tab', { name: 'Graph' }).click()
    await page.getByText('2 vertices · 20 edges drawn as 1').waitFor()
    await page.getByRole('tab', { name: 'JSON' }).click()
    check('JSON', (await page.locator('pre.raw').innerText()).includes('"@type":"edge"'))
    await page.reload()
    await page.locator('.history').getByText('MATCH (a)-[e:connections]').first().waitFor()
    check('the history survives a reload', true)
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByLabel('Profile').waitFor()
    check('the plan is shown', (await page.getByLabel('Profile').innerText()).length > 40)
    await page.goto(`${server.url}/#/console`)
    await page.locator('#prompt').fill('g.V().hasL')
    await page.keyboard.press('Tab')
    check('Tab completes', await page.locator('#prompt').inputValue(), 'g.V().hasLabel')
    await page.locator('#prompt').fill("g.V().has(")
    await page.keyboard.press('Enter')
    await page.keyboard.type("'device_type').count()")
    await page.keyboard.press('Enter')
    await page.locator('.entry pre').waitFor()
    check('open brackets go on, answers have arrows', /^==>\d+$/.test((await page.locator('.entry pre').first().innerText()).trim()))
    await page.locator('#prompt').focus()
    await page.keyboard.press('ArrowUp')
    check('history by arrows', (await page.locator('#prompt').inputValue()).startsWith('g.V().has('))
    check('no faults', faults, [])
    await context.close()
  })
}

async function times(server: Server): Promise<void> {
  await group('first paint and a ready editor', async () => {
    for (const [screen, ready] of [['worksheets', '.cm-content'], ['gremlin', '.cm-content'], ['visualize', '.stage canvas']] as const) {
      const { page, context } = await open('about:blank')
      await page.goto(`${server.url}/#/${screen}`)
      await page.locator(ready).first().waitFor()
      const [paint, at] = await page.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, performance.now()])
      check(`${screen} is painted`, paint! > 0)
      bar(`${screen}: first paint`, paint!, 1000)
      bar(`${screen}: ${ready} ready`, at!, 1000)
      await context.close()
    }
  })
}

export async function large(server: Server): Promise<void> {
  await times(server)
  await frames(server)
  await hub(server)
  await mixed(server)
  await rows(server)
  await slow(server)
}

/** Visualize: what an analyst must be able to do, one group for each point; over the sample and the fixture's tables. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { HUB, loadFixture } from './fixture.ts'
import { check, group, open, PATIENCE, scene, settled, type SceneFacts, type Server, type Watched } from './harness.ts'

type Row = unknown[]
export async function query(server: Server, language: string, text: string): Promise<Row[]> {
  const r = await fetch(`${server.url}/api/query`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ language, text }) })
  const lines = (await r.text()).trim().split('\n').map((l) => JSON.parse(l) as { rows?: Row[]; error?: { message: string } })
  const bad = lines.find((l) => l.error)
  if (bad) throw new Error(`${text}: ${bad.error!.message}`)
  return lines.flatMap((l) => l.rows ?? [])
}
const FLOWS = 'default_glue_catalog.puppygraph.vpcflowlogs_connections'
export const address = (server: Server, spec: object): string => `${server.url}/#/visualize?s=${Buffer.from(JSON.stringify(spec)).toString('base64url')}`
const SCANNER = '198.51.100.77'
const SCANNED = '10.0.2.10'
const sample = { edges: ['connections'] }

export async function within(page: Page, what: (s: SceneFacts) => boolean, name: string): Promise<SceneFacts> {
  const end = Date.now() + PATIENCE
  for (;;) {
    const s = await settled(page)
    if (what(s)) return s
    if (Date.now() > end) throw new Error(`${name} did not come to pass: ${JSON.stringify(s.spec).slice(0, 400)}`)
    await page.waitForTimeout(60)
  }
}
const at = (page: Page, id: string): Promise<{ x: number; y: number }> => page.evaluate((i) => (window as any).floeScene().at(i), id)
/** A place on the page of a node or between two. */
async function onPage(page: Page, ids: string[]): Promise<{ x: number; y: number }> {
  const box = (await page.locator('.stage .canvas').boundingBox())!
  const spots = await Promise.all(ids.map((i) => at(page, i)))
  return { x: box.x + spots.reduce((n, s) => n + s.x, 0) / ids.length, y: box.y + spots.reduce((n, s) => n + s.y, 0) / ids.length }
}
async function find(page: Page, what: string): Promise<SceneFacts> {
  await page.keyboard.press('Escape')
  await page.locator('.stage').focus()
  await page.keyboard.press('/')
  await page.keyboard.press('Control+a')
  await page.keyboard.type(what)
  await page.keyboard.press('Enter')
  await page.waitForTimeout(150)
  return settled(page)
}
const facts = (page: Page): Promise<string> => page.getByTestId('scene-facts').innerText()
const attribute = (page: Page, id: string, name: string): Promise<any> => page.evaluate(([i, n]) => { const g = (window as any).floeScene().sigma.getGraph(); return g.hasNode(i) ? g.getNodeAttribute(i, n) : g.getEdgeAttribute(i, n) }, [id, name] as const)
async function exported(page: Page, kind: string): Promise<Buffer> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByLabel('Export', { exact: true }).selectOption(kind)])
  return readFileSync((await file.path())!)
}

async function on(server: Server, name: string, spec: object, f: (page: Page, w: Watched) => Promise<void>): Promise<void> {
  await group(name, async () => {
    const w = await open(address(server, spec))
    await settled(w.page)
    await f(w.page, w)
    check(`${name}: no faults`, w.faults, [])
    await w.context.close()
  })
}

export async function visualize(server: Server): Promise<void> {
  await group('further tables, loaded by jobs', () => loadFixture(server))
  await on(server, '1 search: address, CIDR, port, interface, instance, subnet, account', sample, async (page) => {
    const [eni, instance, subnet, account] = (await query(server, 'sql', `SELECT interface_id, instance_id, subnet_id, account_id FROM ${FLOWS} WHERE instance_id LIKE 'i-%' LIMIT 1`))[0] as [string, string, string, string]
    const first = await scene(page)
    const one = await find(page, SCANNER)
    check('/ focuses the box; the address is in the scene', one.nodes.includes(SCANNER))
    check('and chosen', one.selected, [SCANNER])
    check('and zoomed to', (await within(page, (s) => s.camera.ratio < first.camera.ratio, 'a zoom')).camera.ratio < 1)
    for (const [what, want] of [['10.0.2.0/24', /^10\.0\.2\./], [':3389', /./], [eni!, /^10\./], [instance!, /^10\./], [subnet!, /^10\./], [account!, /^10\./]] as const) {
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.waitForFunction(() => (window as any).floeScene().spec.nodes.length === 0)
      const s = await find(page, what)
      check(`${what} finds addresses`, s.spec.nodes.length > 0 && (s.spec.nodes as string[]).every((n) => want.test(n)))
    }
    const none = await find(page, '203.0.113.250')
    check('what is not there is said', /Nothing matches/.test(await page.locator('.facts-bar').innerText()))
    check('and changes nothing', none.nodes.includes('203.0.113.250'), false)
  })

  await on(server, '2 expand: counts before, filter, order, limit, "+N more"', { ...sample, nodes: [SCANNED] }, async (page) => {
    await find(page, SCANNED)
    const [outgoing, incoming] = (await query(server, 'sql', `SELECT count(DISTINCT dstaddr) FILTER (srcaddr = '${SCANNED}'), count(DISTINCT srcaddr) FILTER (dstaddr = '${SCANNED}') FROM ${FLOWS} WHERE srcaddr <> dstaddr`))[0] as [number, number]
    await page.getByTestId('counts').getByRole('listitem').first().waitFor()
    const said = (await page.getByTestId('counts').innerText()).replaceAll('\n', ' ').replaceAll('\t', ' ').replaceAll(/ +/g, ' ')
    check('neighbours of each direction are counted', said.includes(`connections out ${outgoing!.toLocaleString('en-US')}`) && said.includes(`connections in ${incoming!.toLocaleString('en-US')}`))
    await page.getByLabel('Direction').first().focus()
    await page.locator('.drawer').getByLabel('Direction').selectOption('out')
    await page.locator('.drawer').getByLabel('At most').selectOption('10')
    await page.getByRole('button', { name: 'Expand', exact: true }).click()
    const s = await within(page, (x) => Boolean(x.spec.grown[SCANNED]), 'an expansion')
    const top = (await query(server, 'sql', `SELECT dstaddr FROM ${FLOWS} WHERE srcaddr = '${SCANNED}' AND dstaddr <> '${SCANNED}' GROUP BY 1 ORDER BY sum(bytes) DESC, 1 LIMIT 10`)).map((r) => r[0])
    check('the ten with most bytes come', [...s.spec.grown[SCANNED]].sort(), [...top].sort())
    check('the node says how many more there are', /\+[\d,]+ more/.test(await attribute(page, SCANNED, 'label')))
    await page.locator('.drawer').getByLabel('Ports to expand over').fill('22')
    await page.waitForFunction((before) => document.querySelector('[data-testid=counts]')!.textContent !== before, await page.getByTestId('counts').innerText())
    check('the counts follow the filter', !(await page.getByTestId('counts').innerText()).includes(`out ${outgoing}`))
  })

  await on(server, '3 undo, redo, collapse', { ...sample, nodes: [SCANNED] }, async (page) => {
    const steps: [string, () => Promise<void>][] = [
      ['expand', async () => { await page.locator('.stage').focus(); await page.keyboard.press('e') }],
      ['pin', async () => { await page.keyboard.press('p') }],
      ['filter', async () => { await page.locator('.side').getByLabel('Action').selectOption('REJECT') }],
      ['group', async () => { await page.getByLabel('Group by').selectOption('wide') }],
      ['hide', async () => { await page.locator('.stage').focus(); await page.keyboard.press('h') }],
    ]
    await find(page, SCANNED)
    const seen: string[] = [JSON.stringify((await scene(page)).spec)]
    for (const [name, f] of steps) {
      await f()
      await within(page, (s) => JSON.stringify(s.spec) !== seen.at(-1), name)
      seen.push(JSON.stringify((await scene(page)).spec))
    }
    for (let i = steps.length; i-- > 0;) {
      await page.getByRole('button', { name: 'Undo' }).click()
      check(`undo ${steps[i]![0]}`, JSON.stringify((await settled(page)).spec), seen[i])
    }
    for (let i = 1; i <= steps.length; i++) {
      await page.getByRole('button', { name: 'Redo' }).click()
      check(`redo ${steps[i - 1]![0]}`, JSON.stringify((await settled(page)).spec), seen[i])
    }
    await page.getByRole('button', { name: 'Show hidden' }).click()
    const grown = await find(page, SCANNED)
    const n = grown.spec.nodes.length
    await page.getByRole('button', { name: 'Collapse' }).click()
    check('collapse takes the expansion away', (await within(page, (s) => s.spec.nodes.length < n, 'collapse')).spec.nodes, [SCANNED])
  })

  await on(server, '4 parallel flows are one edge: width, dashes, members, split', { ...sample, nodes: [SCANNER, SCANNED], hasGroups: false }, async (page) => {
    const s = await scene(page)
    check('303 flows are one edge', s.edges.filter((e) => e === `${SCANNER}→${SCANNED}`).length, 1)
    check('it is dashed: all were rejected', await attribute(page, `${SCANNER}→${SCANNED}`, 'isDashed'))
    const p = await onPage(page, [SCANNER, SCANNED])
    const before = await scene(page)
    void before
    await page.mouse.move(p.x - 3, p.y)
    await page.mouse.click(p.x, p.y)
    await page.getByRole('grid', { name: 'Member flows' }).waitFor()
    check('a click shows its flows', (await page.getByRole('grid', { name: 'Member flows' }).getAttribute('aria-rowcount')) === '304')
    await page.getByLabel('Split parallel flows by').selectOption('port')
    const split = await within(page, (x) => x.edges.length > 20, 'a split')
    const [ports] = (await query(server, 'sql', `SELECT count(DISTINCT least(srcport, dstport)) FROM ${FLOWS} WHERE srcaddr = '${SCANNER}' AND dstaddr = '${SCANNED}'`))[0] as [number, number]
    check('split by port: an edge each', split.edges.filter((e) => e.startsWith(`${SCANNER}→`)).length, ports)
    await page.goto(address(server, { ...sample, t: 1 }))
    await settled(page)
    const widths = await page.evaluate(() => { const f = (window as any).floeScene(); const g = f.sigma.getGraph(); return f.edges.map((e: string) => g.getEdgeAttribute(e, 'size')) as number[] })
    check('width follows bytes', widths[0]! > widths.at(-1)! && widths.every((w, i) => i === 0 || w <= widths[i - 1]! + 1e-6))
  })

  await on(server, '5 time: histogram, brush without the server, step, play', sample, async (page) => {
    let asked = 0
    page.on('request', (r) => { if (r.url().endsWith('/api/query') && r.method() === 'POST') asked++ })
    const all = await scene(page)
    const bars = page.getByRole('img', { name: /Flows over time/ })
    check('there are bars', (await bars.locator('g').count()) === 64)
    const b = (await bars.boundingBox())!
    await page.waitForTimeout(300)
    asked = 0
    await page.mouse.move(b.x + b.width * 0.3, b.y + 20)
    await page.mouse.down()
    await page.mouse.move(b.x + b.width * 0.5, b.y + 20, { steps: 8 })
    await page.mouse.up()
    const brushed = await within(page, (s) => s.spec.time[0] > 10 && s.spec.time[1] < 40, 'a brush')
    check('fewer edges in the window', brushed.edges.length < all.edges.length)
    check('the server was not asked', asked, 0)
    await page.getByRole('button', { name: 'Step on' }).click()
    check('a step moves the window', (await settled(page)).spec.time[0], brushed.spec.time[0] + 1)
    await page.locator('.stage').focus()
    await page.keyboard.press(' ')
    const playing = await within(page, (s) => s.spec.time[0] > brushed.spec.time[0] + 2, 'playing')
    await page.keyboard.press(' ')
    await page.waitForTimeout(500)
    const stopped = await scene(page)
    await page.waitForTimeout(600)
    check('Space stops it', (await scene(page)).spec.time, stopped.spec.time)
    check('and it played', playing.spec.time[0] > brushed.spec.time[0])
    await page.getByRole('button', { name: 'All time' }).click()
    check('all time again', (await settled(page)).edges.length, all.edges.length)
  })

  await on(server, '6 filters, with what passes', sample, async (page) => {
    const totals = (): Promise<string> => page.getByTestId('totals').innerText()
    const passes = async (where: string): Promise<string> => {
      const [pairs, flows] = (await query(server, 'sql', `SELECT count(DISTINCT (srcaddr, dstaddr)), count(*) FROM ${FLOWS} WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL AND ${where}`))[0] as [number, number]
      return `${pairs!.toLocaleString('en-US')} of .* connections, ${flows!.toLocaleString('en-US')} of`
    }
    const type = async (label: string, text: string): Promise<void> => { await page.locator('.side').getByLabel(label).fill(text); await page.keyboard.press('Enter') }
    const expectTotals = async (name: string, where: string): Promise<void> => {
      const want = await passes(where)
      await page.waitForFunction((w) => new RegExp(w).test(document.querySelector('[data-testid=totals]')?.textContent ?? ''), want).then(() => check(name, true), async () => check(name, await totals(), want))
    }
    await type('Ports', '22, 3389')
    await expectTotals('ports', '(dstport IN (22, 3389) OR srcport IN (22, 3389))')
    await type('Protocol', 'tcp')
    await expectTotals('protocol', '(dstport IN (22, 3389) OR srcport IN (22, 3389)) AND protocol = 6')
    await page.locator('.side').getByLabel('Action').selectOption('REJECT')
    await expectTotals('action', "(dstport IN (22, 3389) OR srcport IN (22, 3389)) AND protocol = 6 AND action = 'REJECT'")
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.locator('.side').getByLabel('Direction').selectOption('internal')
    await expectTotals('direction', "srcaddr LIKE '10.%' AND dstaddr LIKE '10.%'")
    await page.getByRole('button', { name: 'Clear' }).click()
    await type('Min bytes', '1 MB')
    const [big] = (await query(server, 'sql', `SELECT count(*) FROM (SELECT 1 FROM ${FLOWS} WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL GROUP BY srcaddr, dstaddr HAVING sum(bytes) >= 1000000)`))[0] as [number, number]
    await page.waitForFunction((n) => document.querySelector('[data-testid=totals]')!.textContent!.startsWith(n), `${big!.toLocaleString('en-US')} of`)
    await type('Ports', 'x')
    check('a port that is none is said so', await page.getByText('as in “22, 8000').isVisible())
    await type('Ports', '1')
    await page.getByRole('button', { name: 'Show everything again' }).click()
    check('what removed everything can be taken back', (await within(page, (s) => s.nodes.length > 3, 'everything')).spec.filter.ports, '')
  })

  await on(server, '7 groups: zone, subnet, VPC, account; opened by a double click', sample, async (page) => {
    for (const by of ['az_id', 'subnet_id', 'vpc_id', 'account_id', 'wide']) {
      await page.getByLabel('Group by').selectOption(by)
      const s = await within(page, (x) => x.spec.groupBy === by, by)
      const want = by === 'wide' ? ['10.0.0.0/16'] : (await query(server, 'sql', `SELECT DISTINCT ${by} FROM ${FLOWS} WHERE ${by} IS NOT NULL AND ${by} <> '-'`)).map((r) => String(r[0]))
      check(`groups by ${by}`, want.every((g) => s.nodes.includes(`group:${g}`)))
    }
    await page.getByLabel('Group by').selectOption('network')
    await within(page, (s) => s.nodes.includes('group:10.0.1.0/24'), 'networks')
    const p = await onPage(page, ['group:10.0.1.0/24'])
    await page.mouse.dblclick(p.x, p.y)
    const s = await within(page, (x) => x.nodes.includes('10.0.1.10'), 'an open group')
    check('its twenty addresses are there, the group is gone', [s.nodes.filter((n) => n.startsWith('10.0.1.')).length, s.nodes.includes('group:10.0.1.0/24')], [20, false])
    await page.getByRole('button', { name: 'Into its group' }).click()
    check('and back into it', (await within(page, (x) => x.nodes.includes('group:10.0.1.0/24'), 'a closed group')).nodes.includes('10.0.1.10'), false)
  })

  await on(server, '8 colour, size, name and width by any property; the legend filters', { ...sample, nodes: [SCANNER, SCANNED, '10.0.1.10', '10.0.1.11'] }, async (page) => {
    const legend = page.getByRole('region', { name: 'Legend', exact: true })
    const looks = (): Promise<string> => page.evaluate((i) => JSON.stringify(['color', 'size', 'label'].map((a) => (window as any).floeScene().sigma.getGraph().getNodeAttribute(i, a))), SCANNED)
    let was = await looks()
    for (const [channel, value] of [['Colour', 'device_type'], ['Size', 'degree'], ['Name', 'device_type']] as const) {
      await legend.getByLabel(channel).selectOption(value)
      await page.waitForTimeout(150)
      const now = await looks()
      check(`${channel} by ${value} is seen`, now !== was)
      was = now
    }
    const values = (await legend.locator('ul.legend').first().locator('button').allInnerTexts()).map((t) => t.trim())
    check('the legend lists the values of the property', values.includes('source') || values.includes('dest'))
    const all = (await scene(page)).nodes.length
    await legend.getByRole('button', { name: values[0]!, exact: true }).click()
    const alone = await within(page, (s) => s.nodes.length < all, 'a legend filter')
    check('a click shows only that value', alone.spec.off.includes(values[0]), false)
    await legend.getByRole('button', { name: values[0]!, exact: true }).click()
    await within(page, (s) => s.nodes.length === all, 'all again')
    await legend.getByRole('button', { name: values[0]!, exact: true }).click({ modifiers: ['Alt'] })
    check('Alt+click hides it', (await within(page, (s) => s.nodes.length < all, 'a hidden value')).spec.off, [values[0]])
  })

  await on(server, '9 pin, drag, lasso, hide, invert, neighbours, isolate', { ...sample, nodes: [SCANNER, SCANNED] }, async (page) => {
    await find(page, SCANNED)
    const from = await onPage(page, [SCANNED])
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(from.x + 70, from.y + 40, { steps: 5 })
    await page.mouse.up()
    const dragged = await within(page, (s) => Boolean(s.spec.pinned[SCANNED]), 'a drag')
    const to = await onPage(page, [SCANNED])
    check('a dragged node stays where it was put, pinned', Math.hypot(to.x - from.x - 70, to.y - from.y - 40) < 6)
    check('and only it', Object.keys(dragged.spec.pinned), [SCANNED])
    await page.locator('.stage').focus()
    await page.keyboard.press('n')
    const near = await scene(page)
    check('neighbours are chosen', near.selected.length > 1 && near.selected.includes(SCANNER))
    await page.keyboard.press('v')
    check('inverted', (await scene(page)).selected.some((n) => near.selected.includes(n)), false)
    await page.keyboard.press('v')
    await page.keyboard.press('i')
    check('isolated', (await within(page, (s) => s.spec.only.length > 0, 'isolation')).nodes.sort(), [...near.selected].sort())
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Escape')
    await page.keyboard.press('f')
    await page.waitForTimeout(400)
    const box = (await page.locator('.stage .canvas').boundingBox())!
    await page.keyboard.down('Shift')
    await page.mouse.move(box.x + 3, box.y + 3)
    await page.mouse.down()
    for (const [x, y] of [[box.width - 60, 3], [box.width - 60, box.height - 70], [3, box.height - 70], [3, 4]] as const) await page.mouse.move(box.x + x, box.y + y, { steps: 3 })
    await page.mouse.up()
    await page.keyboard.up('Shift')
    const lasso = await scene(page)
    check('a lasso round it all chooses nearly all', lasso.selected.length > lasso.nodes.length * 0.7)
    const n = lasso.nodes.length
    await page.getByRole('button', { name: 'Hide', exact: true }).click()
    const left = await page.evaluate(() => (window as any).floeScene().nodes.length)
    check('hidden', left < n)
  })

  await on(server, '10 a path between two nodes', sample, async (page) => {
    await page.getByRole('button', { name: 'Path' }).click()
    await page.getByLabel('From', { exact: true }).last().fill(SCANNER)
    await page.getByLabel('To', { exact: true }).last().fill('10.0.3.10')
    await page.getByRole('button', { name: 'Find path' }).click()
    const s = await within(page, (x) => x.spec.path.length > 1, 'a path')
    const path = s.spec.path as string[]
    check('it leads from one to the other', [path[0], path.at(-1)], [SCANNER, '10.0.3.10'])
    for (let i = 1; i < path.length; i++) check(`hop ${i} is a flow`, ((await query(server, 'sql', `SELECT count(*) FROM ${FLOWS} WHERE srcaddr = '${path[i - 1]}' AND dstaddr = '${path[i]}'`))[0]![0] as number) > 0)
    await page.getByRole('button', { name: 'Path' }).click()
    await page.getByLabel('From', { exact: true }).last().fill('10.0.1.10')
    await page.getByLabel('To', { exact: true }).last().fill(SCANNER)
    await page.getByRole('button', { name: 'Find path' }).click()
    await page.getByText(/No path of at most 4 hops/).first().waitFor()
    await page.getByRole('button', { name: 'Path' }).click()
    await page.getByLabel(/each hop after the one before/).check()
    await page.getByLabel(/along the flows/).uncheck()
    await page.getByLabel('From', { exact: true }).last().fill('10.0.1.10')
    await page.getByLabel('To', { exact: true }).last().fill(SCANNER)
    await page.getByRole('button', { name: 'Find path' }).click()
    check('against the direction, in order of time', (await within(page, (x) => x.spec.path[0] === '10.0.1.10', 'a path back')).spec.path.at(-1), SCANNER)
  })

  await on(server, '11 exports, and the scene as Gremlin, Cypher and SQL', { ...sample, nodes: [SCANNER, SCANNED] }, async (page) => {
    const s = await scene(page)
    const [flows] = (await query(server, 'sql', `SELECT count(*) FROM ${FLOWS} WHERE srcaddr IN ('${SCANNER}', '${SCANNED}') AND dstaddr IN ('${SCANNER}', '${SCANNED}')`))[0] as [number]
    const size = (png: Buffer): number[] => [png.readUInt32BE(16), png.readUInt32BE(20)]
    const [one, two] = [size(await exported(page, 'png1')), size(await exported(page, 'png2'))]
    check('PNG, and twice as large', [one[0]! > 300, two], [true, [one[0]! * 2, one[1]! * 2]])
    check('nodes as CSV', (await exported(page, 'nodes')).toString().trim().split('\r\n').length, s.nodes.length + 1)
    check('edges as CSV', (await exported(page, 'edges')).toString().trim().split('\r\n').length, s.edges.length + 1)
    check('flows as CSV', (await exported(page, 'members')).toString().trim().split('\r\n').length, flows + 1)
    const file = JSON.parse((await exported(page, 'json')).toString()) as { spec: Record<string, unknown>; nodes: unknown[]; edges: unknown[]; camera: object; selected: unknown[] }
    check('JSON has all of it', [file.nodes.length, file.edges.length, file.spec.nodes, 'ratio' in file.camera], [s.nodes.length, s.edges.length, [SCANNER, SCANNED], true])
    const xml = (await exported(page, 'graphml')).toString()
    check('GraphML has all of it', [xml.match(/<node /g)!.length, xml.match(/<edge /g)!.length], [s.nodes.length, s.edges.length])
    check('GraphML is well-formed', await page.evaluate((x) => new DOMParser().parseFromString(x, 'application/xml').querySelector('parsererror') === null, xml))
    for (const [kind, screen, language] of [['gremlin', 'Gremlin Query', 'gremlin'], ['cypher', 'Cypher', 'cypher'], ['sql', 'SQL', 'sql']] as const) {
      await page.getByLabel('Export', { exact: true }).selectOption(kind)
      await page.locator('.cm-content').waitFor()
      await page.locator('.cm-content').click()
      await page.keyboard.press('Control+a')
      await page.keyboard.press('Control+c')
      const text = await page.evaluate(() => navigator.clipboard.readText())
      const rows = await query(server, language, text)
      check(`as ${screen}: runs and answers`, rows.length, language === 'sql' ? s.edges.length : flows)
      await page.goBack()
      await settled(page)
    }
  })

  await on(server, '12 the address restores the scene', { ...sample, nodes: [SCANNER, SCANNED], colour: 'rejects', layout: 'radial', time: [0, 40] }, async (page, { context }) => {
    await find(page, SCANNED)
    await page.locator('.stage').focus()
    await page.keyboard.press('p')
    await page.keyboard.press('+')
    await page.waitForTimeout(900)
    const s = await scene(page)
    await page.getByRole('button', { name: 'Share' }).click()
    await page.waitForTimeout(200)
    const link = await page.evaluate(() => navigator.clipboard.readText())
    const other = await context.newPage()
    await other.goto(link)
    const t = await settled(other)
    check('spec, with pins, layout, colours and time', t.spec, s.spec)
    check('camera', [t.camera.x, t.camera.y, t.camera.ratio].map((n) => n.toFixed(2)), [s.camera.x, s.camera.y, s.camera.ratio].map((n) => n.toFixed(2)))
    check('the same nodes and edges', [t.nodes.length, t.edges.length], [s.nodes.length, s.edges.length])
    await other.close()
    await page.getByLabel('Group by').selectOption('all')
    await within(page, (x) => x.spec.isAll, 'every address')
    await page.locator('.stage').focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.press('i')
    await within(page, (x) => x.spec.only.length > 1000, 'a large scene')
    await page.waitForFunction(() => location.hash.includes('scene='))
    const long = page.url()
    check('a large scene is kept by the server, the address has its name', long.length < 200)
    const again = await context.newPage()
    await again.goto(long)
    check('and is restored', (await within(again, (x) => x.spec.only.length > 1000, 'the large scene')).nodes.length, (await scene(page)).nodes.length)
    await again.close()
  })

  await on(server, '13 the same as a table, with the same selection', { ...sample, nodes: [SCANNER, SCANNED] }, async (page) => {
    const s = await find(page, SCANNED)
    await page.locator('.stage').focus()
    await page.keyboard.press('t')
    const nodes = page.getByRole('grid', { name: 'Nodes of the scene' })
    check('a row for each node', await nodes.getAttribute('aria-rowcount'), String(s.nodes.length + 1))
    check('the chosen one is chosen here too', (await nodes.locator('[aria-selected=true]').first().innerText()).startsWith(SCANNED))
    await nodes.focus()
    await page.keyboard.press('End')
    await nodes.getByRole('gridcell', { name: SCANNER, exact: true }).click()
    check('a row chooses its node', (await scene(page)).selected, [SCANNER])
    await page.getByRole('tab', { name: /Edges/ }).click()
    check('a row for each edge', await page.getByRole('grid', { name: 'Edges of the scene' }).getAttribute('aria-rowcount'), String(s.edges.length + 1))
  })

  await on(server, '14 by keyboard alone', sample, async (page) => {
    await page.locator('.stage').focus()
    await page.keyboard.press('ArrowDown')
    const first = (await scene(page)).selected[0]!
    await page.keyboard.press('ArrowRight')
    const second = (await scene(page)).selected[0]!
    check('arrows move from node to node', first !== second && Boolean(second))
    check('and say where', (await page.locator('#announcer').innerText()).includes(second))
    await page.keyboard.press('/')
    await page.keyboard.type(SCANNED)
    await page.keyboard.press('Enter')
    await within(page, (s) => s.selected[0] === SCANNED, 'a search')
    await page.locator('.stage').focus()
    await page.keyboard.press('Enter')
    await within(page, (s) => Boolean(s.spec.grown[SCANNED]), 'an expansion by Enter')
    for (const [key, layout] of [['2', 'force'], ['3', 'radial'], ['4', 'layered'], ['5', 'grid'], ['1', 'structure']] as const) {
      await page.keyboard.press(key)
      check(`layout ${layout}`, (await within(page, (s) => s.spec.layout === layout, layout)).spec.layout, layout)
    }
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Control+Shift+z')
    check('undo and redo', (await settled(page)).spec.layout, 'structure')
    await page.keyboard.press('c')
    await within(page, (s) => !s.spec.grown[SCANNED], 'collapse')
    await page.keyboard.press('x')
    await within(page, (s) => !s.spec.nodes.includes(SCANNED), 'back into the group')
    await page.keyboard.press('.')
    check('a step in time', (await settled(page)).spec.time, [0, 3])
    await page.keyboard.press('Control+e')
    check('Ctrl+E reaches the exports', await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Export')
  })

  await on(server, '15 what is left out is said', { edges: ['hub'], limit: 60 }, async (page) => {
    const s = await scene(page)
    const said = await facts(page)
    check('the busiest of how many', [/^Top 60 of 183 nodes by bytes/.test(said), s.nodes.length], [true, 60])
    check('and what stands behind them', said.includes('50,001 addresses, 50,000 connections'))
    await page.getByRole('button', { name: /^Show 240/ }).click()
    await within(page, (x) => x.nodes.length === 183, 'all groups')
    check('with all, nothing is said to be left out', /^183 nodes/.test(await facts(page)))
  })
}
export { HUB, facts, find }

/** A real server over a fresh home, and a page in Debian's Chromium that may speak to nobody else. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

const here = dirname(fileURLToPath(import.meta.url))
export const ROOT = resolve(here.slice(0, here.lastIndexOf('/web/')))
export const FLOE = process.env.FLOE ?? join(ROOT, 'build/floe')
/** How long anything is waited for, in ms: long enough that no busy machine makes a test fail. */
export const PATIENCE = 90000
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

const freePort = (): Promise<number> => new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address() as { port: number }
    s.close(() => done(port))
  })
})

export class Server {
  child: ChildProcess | undefined
  url = ''
  said = ''
  ports: number[] = []
  constructor(readonly home = mkdtempSync(join(tmpdir(), 'floe-ui-')), readonly options: string[] = ['--no-sign-in']) {}
  async start(): Promise<void> {
    if (!this.ports.length) this.ports = [await freePort(), await freePort(), await freePort()]
    const [http, gremlin, bolt] = this.ports
    this.child = spawn(FLOE, ['serve', '--home', join(this.home, 'home'), '--port', `${http}`, '--gremlin-port', `${gremlin}`, '--bolt-port', `${bolt}`, '--interval', '2', ...this.options], { cwd: this.home })
    for (const s of [this.child.stdout!, this.child.stderr!]) s.on('data', (d: Buffer) => { this.said += d.toString() })
    this.url = `http://127.0.0.1:${http}`
    for (let i = 0; i < 600; i++) {
      if (await fetch(`${this.url}/healthz`).then((r) => r.ok, () => false)) return
      await new Promise((r) => setTimeout(r, 100))
    }
    throw new Error(`floe serve did not start: ${this.said}`)
  }
  async stop(): Promise<void> {
    const c = this.child
    if (!c) return
    this.child = undefined
    const gone = new Promise((r) => c.once('exit', r))
    c.kill('SIGTERM')
    const hard = setTimeout(() => c.kill('SIGKILL'), 8000)
    await gone
    clearTimeout(hard)
  }
  async close(): Promise<void> {
    await this.stop()
    rmSync(this.home, { recursive: true, force: true })
  }
  floe(...args: string[]): string {
    const r = spawnSync(FLOE, [...args, '--home', join(this.home, 'home')], { encoding: 'utf8', timeout: 120000 })
    if (r.status !== 0) throw new Error(`floe ${args.join(' ')}: ${r.stderr}`)
    return r.stdout
  }
}

export interface Watched { page: Page; faults: string[]; context: BrowserContext }
let browser: Browser | undefined
let lastPage: Page | undefined
let lastFaults: string[] = []
export async function open(url: string, theme: 'dark' | 'light' = 'dark', size = { width: 1280, height: 800 }): Promise<Watched> {
  browser ??= await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  })
  const context = await browser.newContext({ viewport: size, colorScheme: theme, reducedMotion: 'reduce', acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  lastPage = page
  page.setDefaultTimeout(PATIENCE)
  const faults: string[] = []
  lastFaults = faults
  await page.exposeFunction('toldViolation', (what: string) => faults.push(`against the policy: ${what}`))
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => void (window as any).toldViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`)))
  page.on('pageerror', (e) => faults.push(`page error: ${e.message}`))
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) faults.push(`console: ${m.text()}`) })
  page.on('request', (r) => { if (!/^(http:\/\/127\.0\.0\.1:|blob:|data:)/.test(r.url())) faults.push(`request to another host: ${r.url()}`) })
  await page.goto(url)
  return { page, faults, context }
}
export async function closeBrowser(): Promise<void> {
  await browser?.close()
  browser = undefined
}

let [passed, failed] = [0, 0]
export function check(name: string, got: unknown, want: unknown = true): void {
  if (JSON.stringify(got) === JSON.stringify(want)) {
    passed++
    return
  }
  failed++
  console.error(`FAILED ${name}\n  got  ${JSON.stringify(got)}\n  want ${JSON.stringify(want)}`)
}
/** A measured figure beside its bar. A busy machine is no fault: the bar is held against it with FLOE_UI_BARS=1 alone. */
export function bar(name: string, value: number, most: number, unit = 'ms'): void {
  console.log(`  ${name}: ${value.toFixed(value < 100 ? 1 : 0)} ${unit} (bar ${most} ${unit})`)
  if (process.env.FLOE_UI_BARS) check(`${name}: ${value.toFixed(1)} ${unit} is below ${most}`, value < most)
  else check(`${name} is measured`, value >= 0)
}
export async function group(name: string, f: () => Promise<void>): Promise<void> {
  const started = Date.now()
  try {
    await f()
  } catch (e) {
    failed++
    await lastPage?.screenshot({ path: join(tmpdir(), `floe-ui-failed-${failed}.png`) }).catch(() => undefined)
    console.error(`FAILED ${name}\n  ${e instanceof Error ? e.message.split('\n').slice(0, 12).join('\n  ') : String(e)}\n  ${lastFaults.join('\n  ')}\n  ${lastPage?.url()}`)
  }
  console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
}
export function finish(): never {
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
  process.exit(failed ? 1 : 0)
}

export interface SceneFacts { nodes: string[]; edges: string[]; selected: string[]; isLoading: boolean; spec: Record<string, any>; camera: { x: number; y: number; ratio: number } }
export const scene = (page: Page): Promise<SceneFacts> => page.evaluate(() => {
  const { sigma, at, ...facts } = (window as any).floeScene()
  void sigma
  void at
  return facts
})
export async function settled(page: Page): Promise<SceneFacts> {
  await page.waitForFunction(() => (window as any).floeScene && !(window as any).floeScene().isLoading && (window as any).floeScene().nodes.length > 0, undefined, { timeout: PATIENCE })
  await page.waitForTimeout(120)
  return scene(page)
}

/** Flow logs as gzipped text below a new folder of the server's; the path and the files. */
export function flowLogs(server: Server, name: string, rows: number, more: string[] = []): { folder: string; files: string[] } {
  const folder = join(server.home, name)
  mkdirSync(folder)
  const r = spawnSync(FLOE, ['gen', 'flow-logs', '--out', folder, '--rows', `${rows}`, '--format', 'text', '--rows-per-file', `${Math.ceil(rows / 4)}`, '--seed', '7', ...more], { encoding: 'utf8', timeout: 2 * PATIENCE })
  if (r.status !== 0) throw new Error(`floe gen: ${r.stderr}`)
  const files = (readdirSync(folder, { recursive: true }) as string[]).map((f) => join(folder, f)).filter((f) => statSync(f).isFile())
  return { folder, files }
}
/** Three fields where the header names fourteen: line 3 of a file beside `file`. */
export function badFile(file: string): string {
  const bad = join(dirname(file), '123456789012_vpcflowlogs_us-east-1_fl-0bad_20240418T0000Z_bad.log')
  const header = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'
  writeFileSync(bad, `${header}\n2 123456789012 eni-0a 10.0.0.1 10.0.0.2 1 22 6 1 40 1713398400 1713398460 ACCEPT OK\n2 not enough\n`)
  return bad
}
/** A gzipped file whose second half never came. */
export function cutFile(file: string): string {
  const cut = join(dirname(file), '123456789012_vpcflowlogs_us-east-1_fl-0cut_20240418T0000Z_cut.log.gz')
  const whole = readFileSync(file)
  writeFileSync(cut, whole.subarray(0, whole.length >> 1))
  return cut
}
/** What SQL says, asked beside the page. */
export async function sqlRows(server: Server, text: string, cookie = ''): Promise<unknown[][]> {
  const r = await fetch(`${server.url}/api/query`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...(cookie ? { Cookie: cookie } : {}) }, body: JSON.stringify({ language: 'sql', text }) })
  const lines = (await r.text()).trim().split('\n').map((l) => JSON.parse(l) as { rows?: unknown[][]; error?: { message: string } })
  for (const l of lines) if (l.error) throw new Error(l.error.message)
  return lines.flatMap((l) => l.rows ?? [])
}
/** Letters as a person types them, line by line; what an editor offers meanwhile is waved away. */
export async function type(page: Page, text: string): Promise<void> {
  for (const [i, line] of text.split('\n').entries()) {
    if (i) {
      await page.keyboard.press('Escape')
      await page.keyboard.press('Enter')
    }
    await page.keyboard.type(line)
  }
  await page.keyboard.press('Escape')
}
/** Wait until `what` gives something, for a job that runs beside the page. */
export async function until<T>(what: () => Promise<T | undefined | false>, ms = 2 * PATIENCE): Promise<T | undefined> {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((r) => setTimeout(r, 200))) {
    const got = await what()
    if (got) return got
  }
  return undefined
}

/** A real server over a fresh home, and a page in Debian's Chromium that may speak to nobody else. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

const here = dirname(fileURLToPath(import.meta.url))
export const ROOT = resolve(here.slice(0, here.lastIndexOf('/web/')))
export const FLOE = process.env.FLOE ?? join(ROOT, 'build/floe')
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
    for (let i = 0; i < 100; i++) {
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
export async function open(url: string, theme: 'dark' | 'light' = 'dark', size = { width: 1280, height: 800 }): Promise<Watched> {
  browser ??= await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  })
  const context = await browser.newContext({ viewport: size, colorScheme: theme, reducedMotion: 'reduce', acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  const faults: string[] = []
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
export async function group(name: string, f: () => Promise<void>): Promise<void> {
  const started = Date.now()
  try {
    await f()
  } catch (e) {
    failed++
    console.error(`FAILED ${name}\n  ${e instanceof Error ? e.message.split('\n').slice(0, 12).join('\n  ') : String(e)}`)
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
  await page.waitForFunction(() => (window as any).floeScene && !(window as any).floeScene().isLoading && (window as any).floeScene().nodes.length > 0, undefined, { timeout: 20000 })
  await page.waitForTimeout(120)
  return scene(page)
}

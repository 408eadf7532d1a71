/** The UI in Chromium against the real server. Parts named as arguments run alone, after the first run: `node suite.js policy`. */
import { firstRun } from './first_run.ts'
import { closeBrowser, finish, Server } from './harness.ts'
import { policy } from './policy.ts'
import { scenes } from './scene.ts'

/** Each over the sample data that the first run loads. */
const parts: Record<string, (server: Server) => Promise<void>> = { scenes, policy }

const asked = process.argv.slice(2)
const server = new Server()
await server.start()
await firstRun(server)
for (const [name, run] of Object.entries(parts)) if (!asked.length || asked.includes(name)) await run(server)
await closeBrowser()
await server.close()
finish()

/** The UI in Chromium against the real server. Parts named as arguments run alone: `node suite.js policy`. */
import { firstRun } from './first_run.ts'
import { closeBrowser, finish, Server } from './harness.ts'
import { keyboard } from './keyboard.ts'
import { large } from './large.ts'
import { policy } from './policy.ts'
import { states } from './states.ts'
import { tutorial } from './tutorial.ts'
import { visualize } from './visualize.ts'

/** Over the sample data that the first run loads; `large` looks at the tables that `visualize` loads. */
const sampled: Record<string, (server: Server) => Promise<void>> = { policy, keyboard, visualize, large }
/** With servers of their own. */
const alone: Record<string, () => Promise<void>> = { states, tutorial }

const asked = process.argv.slice(2)
const chosen = <T>(parts: Record<string, T>): T[] => Object.entries(parts).filter(([name]) => !asked.length || asked.includes(name)).map(([, run]) => run)
const overSample = chosen(sampled)
if (overSample.length || asked.includes('first')) {
  const server = new Server()
  await server.start()
  await firstRun(server)
  for (const run of overSample) await run(server)
  await server.close()
}
for (const run of chosen(alone)) await run()
await closeBrowser()
finish()

import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const MOST = 500_000

/** What each screen makes the browser load, gzipped: its own parts and the page's. The build fails above the bound. */
export function sizes(): Plugin {
  return {
    name: 'sizes', apply: 'build',
    generateBundle(_options, bundle) {
      const own = (file: string): number => {
        const b = bundle[file]
        return b ? gzipSync(b.type === 'chunk' ? b.code : b.source).length : 0
      }
      const parts = (file: string, seen = new Set<string>()): Set<string> => {
        const c = bundle[file]
        if (c?.type !== 'chunk' || seen.has(file)) return seen
        seen.add(file)
        for (const css of c.viteMetadata?.importedCss ?? []) seen.add(css)
        for (const i of c.imports) parts(i, seen)
        return seen
      }
      const chunks = Object.values(bundle).filter((b) => b.type === 'chunk')
      const entry = chunks.find((c) => c.isEntry)
      for (const c of chunks.filter((x) => /\/screens\/\w+\/index\.tsx$/.test(x.facadeModuleId ?? ''))) {
        const all = parts(c.fileName, parts(entry!.fileName))
        const total = [...all].reduce((n, f) => n + own(f), 0)
        const name = /\/screens\/(\w+)\//.exec(c.facadeModuleId!)![1]
        this.info(`${name}: ${Math.round(total / 1000)} kB gzip`)
        if (total > MOST) this.error(`the screen ${name} loads ${Math.round(total / 1000)} kB gzip, more than ${MOST / 1000}`)
      }
    },
  }
}

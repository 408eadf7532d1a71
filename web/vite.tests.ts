import { defineConfig } from 'vite'

/** The browser tests as plain modules that Node runs. */
export default defineConfig({
  build: {
    ssr: true, outDir: 'test-results/run', emptyOutDir: true, target: 'node20', minify: false,
    rollupOptions: { input: process.env.ENTRY ? { one: process.env.ENTRY } : { suite: 'tests/suite.ts', screenshots: 'tests/screenshots.ts' }, external: ['playwright-core'] },
  },
})

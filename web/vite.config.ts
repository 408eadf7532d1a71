import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { sizes } from './vite.sizes.ts'

const server = process.env.FLOE_URL ?? 'http://127.0.0.1:8081'

export default defineConfig({
  plugins: [react(), sizes()],
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/status': server, '/sign-in': server } },
})

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The page lives under /console/ of the daemon. `npm run dev` sends what is not a
// file of the page on to a daemon that runs beside it.
const daemon = process.env.TOMBOLO_CONSOLE ?? 'http://127.0.0.1:4566';

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
    // No data: URL for scripts or pictures; the page's policy allows them for fonts alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the page is made of, with the licences, goes where the page goes.
    license: { fileName: 'assets/licenses.txt' },
  },
  server: { proxy: { '^/console/(login|session|api|events|reach|stream|lab)': { target: daemon, ws: true } } },
  test: { include: ['src/**/*.test.{ts,tsx}'] },
});

import react from "@vitejs/plugin-react";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

const api = process.env.BELLWETHER_API ?? "http://127.0.0.1:3000";

/**
 * The API answers its own pages only, so a request of Vite's page carries the API's origin. One of
 * any other page keeps its own, and is refused.
 */
const forward: ProxyOptions = {
  target: api,
  changeOrigin: true,
  configure: (proxy) => {
    proxy.on("proxyReq", (forwarded, { headers }) => {
      if (headers.origin === `http://${headers.host}`) forwarded.setHeader("origin", api);
    });
  },
};

/** `/jobs` is a page when a browser opens it and the API's when something is posted to it. */
const posted: ProxyOptions = {
  ...forward,
  bypass: (request) => (request.method === "POST" ? undefined : request.url),
};

const proxy: Record<string, ProxyOptions> = {
  "/api/": forward,
  "^/jobs$": posted,
  "^/(scrape|analyze|check-alerts)$": posted,
  "^/(health|ready|metrics)$": forward,
};

export default defineConfig({
  plugins: [react()],
  server: { port: 5173, proxy },
  preview: { port: 4173, proxy },
  build: {
    target: ["chrome123", "edge123", "firefox124", "safari17.5"],
    // an inlined asset would be a data: URL, which the content security policy refuses for fonts
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // states are waited for, and a busy machine takes its time
    pool: "threads",
    maxWorkers: 2,
    testTimeout: 30_000,
    css: { modules: { classNameStrategy: "non-scoped" } },
  },
});

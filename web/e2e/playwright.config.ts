import { defineConfig, devices } from "@playwright/test";

/** Debian's Chromium, or the one that PLAYWRIGHT_CHROMIUM names; the tests bring none. */
const chromium = {
  executablePath: process.env.PLAYWRIGHT_CHROMIUM ?? "/usr/bin/chromium",
  // nothing but the product is to be asked for anything
  args: [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  outputDir: "../../target/e2e",
  reporter: [["list"]],
  // one product serves all tests, and two cores serve the product and the browser
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  globalTimeout: 900_000,
  // a job may wait for a provider's quota; what is waited for is always a state
  expect: { timeout: 20_000 },
  use: {
    ...devices["Desktop Chrome"],
    launchOptions: chromium,
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    actionTimeout: 10_000,
  },
  projects: [
    { name: "e2e", testIgnore: "screenshots.spec.ts" },
    { name: "screenshots", testMatch: "screenshots.spec.ts" },
  ],
});

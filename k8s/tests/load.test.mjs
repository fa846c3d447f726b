// What `just load-test` concludes from what the cluster says of the analyzers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { checkout, run } from "./checkout.mjs";

/** A second of load on a stub of the API, with so many analyzers asked for and so many of them ready. */
async function load(wanted, ready) {
  const api = createServer((request, response) => {
    request.resume();
    response.end("{}");
  });
  await new Promise((resolve) => api.listen(0, "127.0.0.1", resolve));
  const env = { SHIM_API: String(api.address().port), SHIM_ANALYZERS: `${wanted} ${ready}`, BELLWETHER_TOKEN: "a-token" };
  const ended = await run(checkout(), "load-test", ["--for", "1", "--watch", "1", "--at-once", "1"], env);
  api.closeAllConnections();
  await new Promise((resolve) => api.close(resolve));
  return ended;
}

test("a pod that finds no node is no analyzer", { concurrency: true }, async () => {
  const { code, says } = await load(5, 2);
  assert.equal(code, 1, says);
  assert.match(says.trim().split("\n").at(-1), /^load-test: the autoscaler asked for 5 analyzers, and 2 became ready: `just status` says what keeps the others/);
});

test("analyzers that became ready are counted", { concurrency: true }, async () => {
  const { code, says } = await load(5, 4);
  assert.equal(code, 0, says);
  assert.match(says.trim().split("\n").at(-1), /^load-test: from 2 to 4 analyzers/);
});

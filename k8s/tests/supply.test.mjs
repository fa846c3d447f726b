// Downloads are pinned by digest, and published images have been checked and scanned before.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { folder, K8S } from "./tree.mjs";

const home = join(K8S, "..");
const text = (path) => readFileSync(join(home, path), "utf8");
const scripts = ["justw", ...readdirSync(join(home, "scripts")).filter((file) => file.endsWith(".sh")).map((file) => `scripts/${file}`)];
const workflow = (name) => parse(text(`.github/workflows/${name}.yml`));

test("pip installs what a digest holds it to", () => {
  let found = 0;
  for (const file of scripts) {
    for (const line of text(file).split("\n").filter((one) => /pip"? install /.test(one))) {
      found += 1;
      assert.match(line, /--require-hashes -r \S+/, `${file}: ${line.trim()}`);
    }
  }
  assert.ok(found >= 5, `${found} lines`);
  for (const file of ["k8s/tests/requirements", "k8s/tests/requirements-slow", "scripts/requirements-just", "scripts/requirements-syft"]) {
    const held = text(`${file}.txt`);
    const blocks = held.split(/^(?=[a-z0-9])/im).filter((block) => /^[a-z0-9][\w.-]*==/i.test(block));
    assert.ok(blocks.length > 0, file);
    for (const block of blocks) assert.match(block, /--hash=sha256:[0-9a-f]{64}/, `${file}.txt: ${block.split("\n")[0]}`);
    for (const line of text(`${file}.in`).split("\n").filter((one) => one.includes("=="))) assert.ok(held.includes(`${line} `), `${file}.txt is not of ${line}: compile it again`);
  }
});

test("npm installs what a lock holds it to", () => {
  for (const file of scripts) assert.doesNotMatch(text(file), /npm install/, file);
  for (const [name, version] of [["just", "JUST_VERSION"], ["postgres", "POSTGRES_VERSION"]]) {
    const { packages } = JSON.parse(text(`scripts/npm/${name}/package-lock.json`));
    const held = Object.entries(packages).filter(([path]) => path !== "");
    assert.ok(held.length > 0);
    const [, wanted] = new RegExp(`^${version}=(\\S+)`, "m").exec(text("justw"));
    for (const [path, one] of held) {
      assert.match(one.integrity, /^sha512-/, path);
      assert.equal(one.version, wanted, path);
    }
  }
});

test("cargo builds what the lock names", () => {
  const commands = /\bcargo (?:\S+ )*?(?:run|build|install|auditable build|chef cook)\b.*/g;
  for (const file of ["justfile", "Dockerfile", ".github/workflows/dependencies.yml"]) {
    for (const [line] of text(file).matchAll(commands)) assert.match(line, /--locked/, `${file}: ${line}`);
  }
});

test("images of main are pushed once every check has passed, and are scanned before", () => {
  assert.equal(workflow("images").on.push, undefined);
  const { jobs } = workflow("check");
  const others = Object.keys(jobs).filter((name) => name !== "images");
  assert.deepEqual([...jobs.images.needs].sort(), others.sort());
  const steps = workflow("images").jobs.publish.steps.map((step) => step.uses ?? step.run);
  const place = (what) => {
    const at = steps.findIndex((step) => step.includes(what));
    assert.ok(at >= 0, what);
    return at;
  };
  const order = ["bases.sh --check", "docker/build-push-action", "anchore/sbom-action", "anchore/scan-action", "docker/login-action", "skopeo copy", "attest-build-provenance"].map(place);
  assert.deepEqual(order, [...order].sort((a, b) => a - b));
  for (const step of workflow("images").jobs.publish.steps) assert.notEqual(step.with?.push, true);
});

test("advisories and licences are asked for each day and before a push", () => {
  const { on, jobs } = workflow("dependencies");
  assert.ok(on.schedule.length > 0 && "workflow_call" in on);
  assert.match(JSON.stringify(jobs), /cargo deny --locked check advisories licenses bans sources/);
  assert.match(JSON.stringify(jobs), /npm audit signatures/);
  for (const part of ["advisories", "licenses", "bans", "sources"]) assert.match(text("deny.toml"), new RegExp(`^\\[${part}\\]$`, "m"));
});

test("bases.sh writes a digest beside every tag, and its check names those without one", async () => {
  const root = folder("bases");
  for (const at of ["scripts", "bin"]) mkdirSync(join(root, at));
  copyFileSync(join(home, "scripts/bases.sh"), join(root, "scripts/bases.sh"));
  writeFileSync(join(root, "Dockerfile"), text("Dockerfile").replace(/@sha256:[0-9a-f]{64}/g, ""));
  // A registry for which each tag has a digest of its own, and which knows no name that has one already.
  writeFileSync(join(root, "bin/docker"), "#!/bin/sh\nfor tag; do :; done\ncase $tag in *@*) exit 1 ;; esac\nprintf 'sha256:%s\\n' \"$(printf %s \"$tag\" | sha256sum | cut -c 1-64)\"\n");
  chmodSync(join(root, "bin/docker"), 0o755);
  const run = (...args) => new Promise((resolve) => {
    const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}` };
    execFile("bash", [join(root, "scripts/bases.sh"), ...args], { env }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, says: stdout + stderr }));
  });
  const before = await run("--check");
  assert.equal(before.code, 1);
  assert.equal(before.says.match(/(docker\.io|gcr\.io)\/\S+/g)?.length, 4, before.says);
  for (let round = 0; round < 2; round += 1) {
    const { code, says } = await run();
    assert.equal(code, 0, says);
    const bases = [...readFileSync(join(root, "Dockerfile"), "utf8").matchAll(/^FROM (?:--platform=\S+ )?(\S+\/\S+)/gm)].map(([, base]) => base);
    assert.equal(bases.length, 4);
    for (const base of bases) assert.match(base, /^[a-z.]+\/[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
    assert.equal((await run("--check")).code, 0);
  }
});

import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.BELLWETHER ?? "../../target/debug/bellwether";
const START_MS = 90_000;
const STOP_MS = 40_000;

/** A running `bellwether up`: on a data folder of its own, on free ports, met over HTTP only. */
export class Product {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly said: { text: string },
    readonly url: string,
    readonly sandbox: string,
    private readonly token: string | null,
  ) {}

  /** With settings of its own; a token of any role is the one of its requests. */
  static async start(settings: Record<string, string> = {}): Promise<Product> {
    const folder = await mkdtemp(join(tmpdir(), "bellwether-e2e-"));
    // root's PostgreSQL runs as another user, who has to reach it
    await chmod(folder, 0o755);
    const { PATH, HOME, TMPDIR, BELLWETHER_PG_BIN } = process.env;
    const child = spawn(BINARY, ["up"], {
      cwd: folder,
      env: {
        PATH,
        HOME,
        TMPDIR,
        BELLWETHER_PG_BIN,
        BELLWETHER_DATA_DIR: folder,
        BELLWETHER_HTTP_ADDR: "127.0.0.1:0",
        BELLWETHER_SANDBOX_ADDR: "127.0.0.1:0",
        BELLWETHER_SANDBOX_SMTP_ADDR: "127.0.0.1:0",
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { text: "" };
    const started = new Promise<{ url: string; sandbox: string }>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${BINARY} up ${why}:\n${said.text}`));
      const late = setTimeout(() => fail("was not up in time"), START_MS);
      const listen = (chunk: Buffer) => {
        said.text += chunk.toString();
        const url = /up at (http:\S+)/.exec(said.text)?.[1];
        const sandbox = /sandbox: (http:\S+?)\/_sandbox/.exec(said.text)?.[1];
        if (url && sandbox) {
          clearTimeout(late);
          resolve({ url, sandbox });
        }
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code) => {
        clearTimeout(late);
        fail(`ended with ${code}`);
      });
    });
    try {
      const { url, sandbox } = await started;
      const token = settings.BELLWETHER_API_TOKENS?.split(":")[1] ?? null;
      const product = new Product(child, folder, said, url, sandbox, token);
      await product.until("readiness", async () => (await fetch(`${url}/ready`)).ok);
      return product;
    } catch (error) {
      child.kill("SIGTERM");
      throw error;
    }
  }

  /** Sends Ctrl-C; its output and its exit code are part of the test. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null) this.process.kill("SIGINT");
    const late = setTimeout(() => this.process.kill("SIGKILL"), STOP_MS);
    const code = this.process.exitCode ?? (await ended);
    clearTimeout(late);
    await rm(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`it ended with ${code}:\n${this.said.text}`);
  }

  async get<T>(path: string): Promise<T> {
    const headers: Record<string, string> = this.token
      ? { authorization: `Bearer ${this.token}` }
      : {};
    return answer<T>(await fetch(this.url + path, { headers }));
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return answer<T>(await fetch(this.url + path, posted(body)));
  }

  /** Orders faults of the imitated providers. */
  async tell(control: "jump" | "faults", body: unknown): Promise<void> {
    await answer(await fetch(`${this.sandbox}/_sandbox/${control}`, posted(body)));
  }

  async clearFaults(): Promise<void> {
    await answer(await fetch(`${this.sandbox}/_sandbox/faults`, { method: "DELETE" }));
  }

  /** Asks until the answer is yes. */
  async until(what: string, ask: () => Promise<boolean>, within = 60_000): Promise<void> {
    const end = Date.now() + within;
    while (!(await ask().catch(() => false))) {
      if (Date.now() > end)
        throw new Error(`waited in vain for ${what}; it said:\n${this.said.text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Waits until a job is in a state. */
  async jobIs(id: string, state: string): Promise<void> {
    await this.until(`job ${id} to be ${state}`, async () => {
      const job = await this.get<{ state: string }>(`/api/jobs/${id}`);
      return job.state === state;
    });
  }
}

function posted(body: unknown): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function answer<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

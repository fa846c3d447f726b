import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepLive, liveStatus, pausedByHand } from "./live";
import { createStore } from "./store";
import type { StreamListener } from "./stream";

/** A connection that does what the test says. */
interface Connection {
  headers: Record<string, string>;
  listener: StreamListener;
  closed: boolean;
}

const KEYS = [
  ["jobs", "list", { kind: "prune" }],
  ["jobs", "list", { kind: "scrape_batch" }],
  ["queues"],
  ["watchlist"],
  ["signals", "AAPL"],
  ["signals", "MSFT"],
  ["workers"],
];

let client: QueryClient;
let stop: () => void;
let asked: string[];
let opened: Connection[];
const tokenNeeded = createStore(false);

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  asked = [];
  client = new QueryClient();
  const leave = KEYS.map((queryKey) =>
    new QueryObserver(client, {
      queryKey,
      initialData: {},
      staleTime: Number.POSITIVE_INFINITY,
      queryFn: () => {
        asked.push(JSON.stringify(queryKey).replaceAll('"', ""));
        return {};
      },
    }).subscribe(() => {}),
  );
  const end = keepLive({
    client,
    url: "/api/events",
    headers: () => ({ Authorization: "Bearer secret" }),
    unreachable: (error) => error instanceof TypeError,
    tokenNeeded,
    open: (_url, headers, listener) => {
      const connection = { headers, listener, closed: false };
      opened.push(connection);
      return () => {
        connection.closed = true;
      };
    },
  });
  stop = () => {
    end();
    for (const each of leave) each();
  };
});

afterEach(() => {
  stop();
  pausedByHand.set(false);
  tokenNeeded.set(false);
  vi.useRealTimers();
});

const newest = () => opened.at(-1) as Connection;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const tell = (event: string, data: object) =>
  newest().listener.onEvent({ event, data: JSON.stringify(data) });

async function live(): Promise<void> {
  newest().listener.onOpen();
  await pass(1000);
  asked = [];
}

test("a first visit asks nothing a second time", async () => {
  newest().listener.onOpen();
  await pass(5000);
  expect(liveStatus.get()).toBe("live");
  expect(asked).toEqual([]);
});

test("a burst of events asks each query once, and only those that show what changed", async () => {
  await live();
  for (let n = 0; n < 50; n += 1) {
    tell("job", { id: "maintenance/prune", queue: "maintenance", kind: "prune" });
  }
  tell("signal", { id: "AAPL" });
  await pass(1000);
  expect(asked.sort()).toEqual([
    "[jobs,list,{kind:prune}]",
    "[queues]",
    "[signals,AAPL]",
    "[watchlist]",
  ]);
});

test("an answer on its way puts off the next question, which is not dropped", async () => {
  await live();
  const answers: (() => void)[] = [];
  const queryFn = () => new Promise((resolve) => answers.push(() => resolve({})));
  void client.fetchQuery({ queryKey: ["watchlist"], queryFn, staleTime: 0 });
  await pass(0);
  tell("quote", { id: "AAPL" });
  await pass(3000);
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await pass(1000);
  expect(answers).toHaveLength(2);
});

test("a stream that was heard less than 35 s ago is live, and a silent one is lost", async () => {
  await live();
  await pass(30_000);
  newest().listener.onHeard();
  await pass(34_000);
  expect(liveStatus.get()).toBe("live");
  asked = [];
  await pass(2000);
  expect(liveStatus.get()).toBe("polling");
  expect(opened).toHaveLength(2);
  expect(opened[0]?.closed).toBe(true);
  expect(asked).toContain("[watchlist]");
});

test("a lost stream resumes after the last event that was seen", async () => {
  expect(newest().headers).toEqual({ Authorization: "Bearer secret" });
  await live();
  newest().listener.onId("7-3");
  newest().listener.onEnd(0);
  await pass(1000);
  expect(newest().headers).toEqual({ Authorization: "Bearer secret", "Last-Event-ID": "7-3" });
  asked = [];
  newest().listener.onOpen();
  await pass(1000);
  expect(asked).toEqual([]);
  tell("reset", { id: null });
  await pass(1000);
  expect(asked).toHaveLength(KEYS.length);
});

test("a server that asks for a pause gets it", async () => {
  newest().listener.onEnd(30_000);
  await pass(29_000);
  expect(opened).toHaveLength(1);
  await pass(1000);
  expect(opened).toHaveLength(2);
});

test("without a stream everything is polled until it comes back", async () => {
  await live();
  newest().listener.onEnd(0);
  expect(liveStatus.get()).toBe("polling");
  await pass(1000);
  newest().listener.onEnd(0);
  await pass(10_000);
  expect(asked).toHaveLength(KEYS.length);
  newest().listener.onOpen();
  expect(liveStatus.get()).toBe("live");
});

test("a change of the network opens a new connection at once", async () => {
  await live();
  window.dispatchEvent(new Event("offline"));
  expect(liveStatus.get()).toBe("polling");
  await pass(0);
  expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
});

test("every minute everything is asked again, whatever the stream said", async () => {
  newest().listener.onOpen();
  const beat = setInterval(() => newest().listener.onHeard(), 15_000);
  await pass(71_000);
  clearInterval(beat);
  expect(asked.filter((key) => key === "[watchlist]")).toHaveLength(2);
  expect(asked.filter((key) => key === "[workers]")).toHaveLength(7);
});

test("a paused page asks nothing and holds no stream", async () => {
  await live();
  pausedByHand.set(true);
  expect(liveStatus.get()).toBe("paused");
  expect(newest().closed).toBe(true);
  await pass(60_000);
  expect(asked).toEqual([]);
  pausedByHand.set(false);
  expect(opened).toHaveLength(2);
});

test("a page that lacks a token asks nothing until it has one", async () => {
  await live();
  tokenNeeded.set(true);
  expect(liveStatus.get()).toBe("signed-out");
  await pass(60_000);
  expect(asked).toEqual([]);
  tokenNeeded.set(false);
  expect(opened).toHaveLength(2);
});

test("a hidden tab pauses and goes on when it is seen again", async () => {
  await live();
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(liveStatus.get()).toBe("paused");
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(opened).toHaveLength(2);
});

test("a server that does not answer is told apart from a stream that is down", async () => {
  await live();
  newest().listener.onEnd(0);
  const ask = (queryFn: () => Promise<unknown>) =>
    client
      .fetchQuery({ queryKey: ["queues"], queryFn, retry: false, staleTime: 0 })
      .catch(() => null);
  await ask(() => Promise.reject(new TypeError("Failed to fetch")));
  await pass(0);
  expect(liveStatus.get()).toBe("offline");
  await pass(1000);
  newest().listener.onEnd(0);
  expect(liveStatus.get()).toBe("offline");
  await ask(() => Promise.resolve({}));
  await pass(0);
  expect(liveStatus.get()).toBe("polling");
});

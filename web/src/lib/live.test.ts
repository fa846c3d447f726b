import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepLive, liveStatus, pausedByHand } from "./live";

/** An event stream that does what the test says. */
class Stream extends EventTarget {
  static opened: Stream[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    Stream.opened.push(this);
  }

  close() {
    this.closed = true;
  }
}

let client: QueryClient;
let stop: () => void;
let asked: string[];

beforeEach(() => {
  vi.useFakeTimers();
  Stream.opened = [];
  asked = [];
  client = new QueryClient();
  for (const key of ["jobs", "quotes", "workers"]) client.setQueryData([key], {});
  vi.spyOn(client, "invalidateQueries").mockImplementation(async (filters) => {
    asked.push(String(filters?.queryKey?.[0] ?? "all"));
  });
  stop = keepLive({
    client,
    url: () => "/api/events",
    unreachable: (error) => error instanceof TypeError,
    open: (url) => new Stream(url) as unknown as EventSource,
  });
});

afterEach(() => {
  stop();
  pausedByHand.set(false);
  vi.useRealTimers();
});

const newest = () => Stream.opened.at(-1) as Stream;

function opened(): Stream {
  newest().onopen?.();
  vi.advanceTimersByTime(1000);
  asked = [];
  return newest();
}

test("a burst of events asks once for each thing that they outdate", () => {
  const stream = opened();
  for (let n = 0; n < 50; n += 1) stream.dispatchEvent(new Event("job"));
  stream.dispatchEvent(new Event("quote"));
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual(["jobs", "queues", "quotes", "bars"]);
});

test("an answer on its way puts off the next question, it is not dropped", () => {
  const stream = opened();
  const fetching = vi.spyOn(client, "isFetching").mockReturnValue(1);
  stream.dispatchEvent(new Event("alert"));
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual([]);
  fetching.mockReturnValue(0);
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual(["alerts"]);
});

test("after a reset and after a new connection everything that is shown is asked for again", () => {
  const stream = opened();
  stream.dispatchEvent(new Event("reset"));
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual(["jobs", "quotes", "workers"]);
});

test("without a stream everything is polled until it comes back", () => {
  opened().onerror?.();
  expect(liveStatus.get()).toBe("polling");
  expect(newest().closed).toBe(true);
  vi.advanceTimersByTime(1000);
  expect(Stream.opened).toHaveLength(2);
  newest().onerror?.();
  vi.advanceTimersByTime(10_000);
  expect(asked).toContain("all");
  newest().onopen?.();
  expect(liveStatus.get()).toBe("live");
});

test("a paused page asks nothing and holds no stream", () => {
  opened();
  pausedByHand.set(true);
  expect(liveStatus.get()).toBe("paused");
  expect(newest().closed).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(asked).toEqual([]);
  pausedByHand.set(false);
  expect(Stream.opened).toHaveLength(2);
});

test("a hidden tab pauses and goes on when it is seen again", () => {
  opened();
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(liveStatus.get()).toBe("paused");
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(Stream.opened).toHaveLength(2);
});

test("a server that nobody reaches is told apart from a stream that is down", async () => {
  opened().onerror?.();
  const ask = (queryFn: () => Promise<unknown>) =>
    client
      .fetchQuery({ queryKey: ["queues"], queryFn, retry: false, staleTime: 0 })
      .catch(() => null);
  await ask(() => Promise.reject(new TypeError("Failed to fetch")));
  await vi.advanceTimersByTimeAsync(0);
  expect(liveStatus.get()).toBe("offline");
  await vi.advanceTimersByTimeAsync(1000);
  newest().onerror?.();
  expect(liveStatus.get()).toBe("offline");
  await ask(() => Promise.resolve({}));
  await vi.advanceTimersByTimeAsync(0);
  expect(liveStatus.get()).toBe("polling");
});

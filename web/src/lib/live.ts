import type { QueryClient } from "@tanstack/react-query";
import { createStore } from "./store";

/**
 * How fresh the page is kept: `live` by the event stream, `polling` while the stream is down,
 * `offline` while nobody answers at all, `paused` by a click or because the tab is hidden.
 */
export type LiveStatus = "connecting" | "live" | "polling" | "offline" | "paused";

export const liveStatus = createStore<LiveStatus>("connecting");

/** Set by the person who looks; a hidden tab pauses by itself. */
export const pausedByHand = createStore(false);

/** Each event type, and the first part of the query keys that it makes old. */
const OUTDATES: Record<string, readonly string[]> = {
  job: ["jobs", "queues"],
  quote: ["quotes", "bars"],
  article: ["news", "sentiment"],
  sentiment: ["sentiment", "news"],
  signal: ["signals"],
  alert: ["alerts"],
  limit: ["limits"],
};

/** What no event tells of. */
const SILENT = [
  "limits",
  "limit",
  "queues",
  "stats",
  "workers",
  "schedules",
  "audit",
  "notices",
] as const;

const POLL_MS = 10_000;
/** Events come in bursts; what they outdate is asked for at most this often. */
const GATHER_MS = 1000;
const RECONNECT_MS = [1000, 2000, 5000, 10_000] as const;

export interface LiveOptions {
  client: QueryClient;
  /** The stream's address, with the token of the moment. */
  url: () => string;
  /** Whether a query failed because nobody answered. */
  unreachable: (error: unknown) => boolean;
  open?: (url: string) => EventSource;
}

/** Keeps the queries fresh until the returned function is called. */
export function keepLive({
  client,
  url,
  unreachable,
  open = (at) => new EventSource(at),
}: LiveOptions) {
  const outdated = new Set<string>();
  let source: EventSource | null = null;
  let failures = 0;
  let reconnect: ReturnType<typeof setTimeout> | undefined;

  const refresh = (keys: Iterable<string>) => {
    for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
  };
  const refreshAll = () => void client.invalidateQueries();
  const resting = () => document.hidden || pausedByHand.get();

  const flush = () => {
    for (const key of outdated) {
      // an answer on its way may be older than the event, so the key is asked for again after it
      if (client.isFetching({ queryKey: [key] }) > 0) continue;
      outdated.delete(key);
      refresh([key]);
    }
  };

  const disconnect = () => {
    clearTimeout(reconnect);
    source?.close();
    source = null;
  };

  /** Nobody listened for a while: anything may have happened. */
  const outdateAll = () => {
    for (const { queryKey } of client.getQueryCache().getAll()) outdated.add(String(queryKey[0]));
  };

  const connect = () => {
    disconnect();
    const stream = open(url());
    source = stream;
    stream.onopen = () => {
      failures = 0;
      liveStatus.set("live");
      outdateAll();
    };
    stream.onerror = () => {
      if (source !== stream) return;
      disconnect();
      // only an answer ends being offline
      if (liveStatus.get() !== "offline") liveStatus.set("polling");
      const wait = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)];
      failures += 1;
      reconnect = setTimeout(connect, wait);
    };
    stream.addEventListener("reset", outdateAll);
    for (const [type, keys] of Object.entries(OUTDATES)) {
      stream.addEventListener(type, () => {
        for (const key of keys) outdated.add(key);
      });
    }
  };

  const follow = () => {
    if (resting()) {
      disconnect();
      liveStatus.set("paused");
    } else if (!source) {
      liveStatus.set("connecting");
      connect();
    }
  };

  const poll = () => {
    if (resting()) return;
    if (liveStatus.get() === "live") refresh(SILENT);
    else refreshAll();
  };

  const unwatch = client.getQueryCache().subscribe(({ type, query }) => {
    if (type !== "updated" || liveStatus.get() === "live" || resting()) return;
    const { status, fetchStatus, error } = query.state;
    if (fetchStatus !== "idle" || liveStatus.get() === "connecting") return;
    if (status === "success") liveStatus.set("polling");
    else if (unreachable(error)) liveStatus.set("offline");
  });
  const leave = pausedByHand.subscribe(follow);
  const gather = setInterval(flush, GATHER_MS);
  const polling = setInterval(poll, POLL_MS);
  document.addEventListener("visibilitychange", follow);
  follow();

  return () => {
    unwatch();
    leave();
    clearInterval(gather);
    clearInterval(polling);
    document.removeEventListener("visibilitychange", follow);
    disconnect();
  };
}

import type { Query, QueryClient, QueryFilters } from "@tanstack/react-query";
import { outdatedBy } from "./outdates";
import { createStore, type Store } from "./store";
import { openStream } from "./stream";

/**
 * How the page is kept fresh: `live` while the event stream was heard in the last 35 s, `polling`
 * while it is down, `offline` while the server does not answer, `paused` by a click or in a hidden
 * tab, `signed-out` while the server wants a token.
 */
export type LiveStatus = "connecting" | "live" | "polling" | "offline" | "paused" | "signed-out";

export const liveStatus = createStore<LiveStatus>("connecting");

/** Set by the user; a hidden tab also pauses. */
export const pausedByHand = createStore(false);

/** Queries without events. */
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
/** Every sixth poll asks everything again, whatever the stream has said. */
const WHOLE_POLLS = 6;
/** Events come in bursts; a query that they make old is asked at most this often. */
const GATHER_MS = 1000;
/** The server sends a ping every 15 s; after two that are missing the connection counts as lost. */
const SILENCE_MS = 35_000;
const RECONNECT_MS = [1000, 2000, 5000, 10_000] as const;

export interface LiveOptions {
  client: QueryClient;
  url: string;
  /** The credentials of the moment. */
  headers: () => Record<string, string>;
  /** True for the error of a query that got no answer. */
  unreachable: (error: unknown) => boolean;
  /** True while the server wants another token than the one of `headers`. */
  tokenNeeded: Store<boolean>;
  open?: typeof openStream;
}

/** Keeps the queries fresh until the returned function is called. */
export function keepLive({
  client,
  url,
  headers,
  unreachable,
  tokenNeeded,
  open = openStream,
}: LiveOptions) {
  const cache = client.getQueryCache();
  const outdated = new Set<Query>();
  let close: (() => void) | null = null;
  let begun = false;
  let lastId: string | null = null;
  let heard = 0;
  let polls = 0;
  let failures = 0;
  let reconnect: ReturnType<typeof setTimeout> | undefined;

  // a running request may end: its time limit distinguishes a slow server from a lost one
  const refresh = (filters?: QueryFilters) =>
    void client.invalidateQueries(filters, { cancelRefetch: false });
  const resting = () => document.hidden || pausedByHand.get() || tokenNeeded.get();

  const outdate = (filters?: QueryFilters) => {
    for (const query of cache.findAll(filters)) outdated.add(query);
  };

  const flush = () => {
    for (const query of outdated) {
      // an answer on its way may be older than the event, so the query is asked again after it
      if (query.state.fetchStatus === "fetching") continue;
      outdated.delete(query);
      refresh({ predicate: (each) => each === query });
    }
  };

  const disconnect = () => {
    clearTimeout(reconnect);
    close?.();
    close = null;
  };

  /** The stream is down: the queries are polled until it is back. */
  const lose = (wait: number) => {
    disconnect();
    // only an answer ends being offline
    if (liveStatus.get() !== "offline") liveStatus.set("polling");
    reconnect = setTimeout(connect, wait);
  };

  const connect = () => {
    disconnect();
    heard = Date.now();
    const resumes = lastId !== null;
    const first = !begun;
    begun = true;
    close = open(
      url,
      { ...headers(), ...(lastId !== null && { "Last-Event-ID": lastId }) },
      {
        onOpen: () => {
          heard = Date.now();
          failures = 0;
          polls = 0;
          liveStatus.set("live");
          // a resumed stream repeats what was missed, and on a first visit nothing is old yet
          if (!resumes && !first) outdate();
        },
        onHeard: () => {
          heard = Date.now();
        },
        onId: (id) => {
          lastId = id || null;
        },
        onEvent: ({ event = "message", data }) => {
          if (event === "reset") outdate();
          for (const filters of outdatedBy(event, data)) outdate(filters);
        },
        onEnd: (retryAfterMs) => {
          const wait = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)] ?? POLL_MS;
          failures += 1;
          lose(Math.max(wait, retryAfterMs));
        },
      },
    );
  };

  /** A connection that says nothing for too long is lost, even if no end of it was seen. */
  const watch = () => {
    if (close === null || Date.now() - heard < SILENCE_MS) return;
    lose(0);
    refresh();
  };

  const follow = () => {
    if (resting()) {
      disconnect();
      liveStatus.set(tokenNeeded.get() ? "signed-out" : "paused");
    } else if (!close) {
      liveStatus.set("connecting");
      connect();
    }
  };

  const poll = () => {
    if (resting()) return;
    polls += 1;
    if (liveStatus.get() !== "live" || polls % WHOLE_POLLS === 1) refresh();
    else for (const key of SILENT) refresh({ queryKey: [key] });
  };

  /** The network changed: the connection of before it may be dead without an end. */
  const networkChanged = () => {
    if (resting()) return;
    failures = 0;
    lose(0);
    refresh();
  };

  const unwatch = cache.subscribe(({ type, query }) => {
    if (type !== "updated" || liveStatus.get() === "live" || resting()) return;
    const { status, fetchStatus, error } = query.state;
    if (fetchStatus !== "idle" || liveStatus.get() === "connecting") return;
    if (status === "success") liveStatus.set("polling");
    else if (unreachable(error)) liveStatus.set("offline");
  });
  const leave = [pausedByHand.subscribe(follow), tokenNeeded.subscribe(follow)];
  const timers = [
    setInterval(flush, GATHER_MS),
    setInterval(watch, GATHER_MS),
    setInterval(poll, POLL_MS),
  ];
  const listened = [
    [document, "visibilitychange", follow],
    [window, "online", networkChanged],
    [window, "offline", networkChanged],
  ] as const;
  for (const [target, type, listener] of listened) target.addEventListener(type, listener);
  follow();

  return () => {
    unwatch();
    for (const each of leave) each();
    for (const timer of timers) clearInterval(timer);
    for (const [target, type, listener] of listened) target.removeEventListener(type, listener);
    disconnect();
  };
}

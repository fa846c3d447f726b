import { createParser, type EventSourceMessage } from "eventsource-parser";

/** Told about one connection, in this order; `onEnd` at most once, and not after it was closed. */
export interface StreamListener {
  onOpen: () => void;
  /** Anything arrived: an event, a ping, a comment. */
  onHeard: () => void;
  /** The id from which a later connection resumes. */
  onId: (id: string) => void;
  onEvent: (event: EventSourceMessage) => void;
  /** Refused, ended or lost; `retryAfterMs` is the least wait that the server asks for. */
  onEnd: (retryAfterMs: number) => void;
}

/**
 * Reads server-sent events by `fetch`, because `EventSource` sends no `Authorization` and hides
 * comments and `Retry-After`. Returns the function that closes the connection.
 */
export function openStream(
  url: string,
  headers: Record<string, string>,
  listener: StreamListener,
): () => void {
  const control = new AbortController();
  void read(url, headers, listener, control.signal);
  return () => control.abort();
}

async function read(
  url: string,
  headers: Record<string, string>,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  let retryAfterMs = 0;
  try {
    const accept = { accept: "text/event-stream" };
    const response = await fetch(url, {
      headers: { ...accept, ...headers },
      cache: "no-store",
      signal,
    });
    if (response.ok && response.body) {
      listener.onOpen();
      const parser = createParser({ onEvent: listener.onEvent, onId: listener.onId });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (signal.aborted) return;
        listener.onHeard();
        parser.feed(part.value);
      }
    } else {
      retryAfterMs = secondsOf(response.headers.get("Retry-After")) * 1000;
    }
  } catch {
    // the connection is lost, which its end says
  }
  if (!signal.aborted) listener.onEnd(retryAfterMs);
}

function secondsOf(header: string | null): number {
  return header && /^\d{1,4}$/.test(header) ? Number(header) : 0;
}

import type { Query, QueryFilters } from "@tanstack/react-query";

/** An event's `data`: the id of what changed, and for jobs their queue and kind. */
export interface Change {
  id?: string | null;
  queue?: string;
  kind?: string;
}

type Of = (change: Change) => readonly QueryFilters[];

/** Each event type, and the queries that it makes old. */
const OUTDATES: Record<string, Of> = {
  job: (change) => [
    { queryKey: ["queues"] },
    { queryKey: ["jobs", "one"] },
    { queryKey: ["jobs", "why"] },
    { queryKey: ["jobs", "list"], predicate: (query) => lists(query, change) },
  ],
  quote: () => [{ queryKey: ["watchlist"] }],
  article: ({ id }) => [{ queryKey: ["news", id] }, { queryKey: ["watchlist"] }],
  sentiment: ({ id }) => [{ queryKey: ["news", id] }, { queryKey: ["watchlist"] }],
  signal: ({ id }) => [{ queryKey: ["signals", id] }, { queryKey: ["watchlist"] }],
  alert: () => [{ queryKey: ["alerts"] }, { queryKey: ["watchlist"] }],
  limit: ({ id }) => [{ queryKey: ["limits"] }, { queryKey: ["limit", id] }],
};

/** The queries that an event makes old; none for a type that is not known. */
export function outdatedBy(type: string, data: string): readonly QueryFilters[] {
  const of = Object.hasOwn(OUTDATES, type) ? OUTDATES[type] : undefined;
  return of?.(changeOf(data)) ?? [];
}

function changeOf(data: string): Change {
  try {
    const change: unknown = JSON.parse(data);
    return typeof change === "object" && change !== null ? change : {};
  } catch {
    return {};
  }
}

/** True if a list's filters let a job of the queue and kind through. */
function lists({ queryKey }: Query, { queue, kind }: Change): boolean {
  const search = (queryKey[2] ?? {}) as { queue?: string; kind?: string };
  const fits = (filter: string | undefined, value: string | undefined) =>
    !filter || !value || filter === value;
  return fits(search.queue, queue) && fits(search.kind, kind);
}

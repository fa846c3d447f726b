import { useReducer, useRef } from "react";
import type { Schemas } from "../../api/client";

type Job = Schemas["Job"];

/** A list that is held, and the changes since then. */
export interface Held {
  jobs: readonly Job[];
  /** Jobs of the live list that are not shown. */
  fresh: number;
  /** Ids of shown jobs that the live list has no more, although it reaches as far. */
  gone: ReadonlySet<string>;
}

/**
 * Keeps the rows that are shown in their places, with the newest state of each. Jobs older than the
 * last row follow it; the others of the live list are counted.
 */
export function hold(shown: readonly Job[], live: readonly Job[], whole: boolean): Held {
  const newest = new Map(live.map((job) => [job.id, job]));
  const known = new Set(shown.map(({ id }) => id));
  const last = shown.at(-1);
  const end = live.at(-1);
  const older = (id: string, than: Job | undefined) => than && BigInt(id) < BigInt(than.id);
  const others = live.filter(({ id }) => !known.has(id));
  const after = shown.length === 0 ? [] : others.filter(({ id }) => older(id, last));
  const gone = shown.filter(({ id }) => !newest.has(id) && (whole || !older(id, end)));
  return {
    jobs: [...shown.map((job) => newest.get(job.id) ?? job), ...after],
    fresh: others.length - after.length,
    gone: new Set(gone.map(({ id }) => id)),
  };
}

interface Live {
  /** Names the list: another one is not held. */
  list: string;
  jobs: readonly Job[];
  /** True if there are no older jobs than these. */
  whole: boolean;
}

/** The live list, or while `holding` the one of before; the function shows the live one again. */
export function useHeld({ list, jobs, whole }: Live, holding: boolean): [Held, () => void] {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const shown = useRef<{ list: string; jobs: readonly Job[] } | null>(null);
  const kept = shown.current;
  const held =
    holding && kept?.list === list && kept.jobs.length > 0
      ? hold(kept.jobs, jobs, whole)
      : { jobs, fresh: 0, gone: NONE };
  shown.current = { list, jobs: held.jobs };
  return [
    held,
    () => {
      shown.current = null;
      render();
    },
  ];
}

const NONE: ReadonlySet<string> = new Set();

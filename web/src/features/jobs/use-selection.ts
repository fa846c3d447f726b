import { useState } from "react";

/** Chosen ids; what was chosen in one list is not chosen in another. */
export function useSelection(
  list: string,
): [ReadonlySet<string>, (ids: ReadonlySet<string>) => void] {
  const [kept, keep] = useState<{ list: string; ids: ReadonlySet<string> }>({
    list,
    ids: new Set(),
  });
  const ids = kept.list === list ? kept.ids : NONE;
  return [ids, (next) => keep({ list, ids: next })];
}

const NONE: ReadonlySet<string> = new Set();

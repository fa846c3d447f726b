import { useState } from "react";

/** Jobs to act on: those that were ticked, or, by a step of its own, all that match the filters. */
export type Selection = { ids: ReadonlySet<string> } | "matching";

export const NOTHING: Selection = { ids: new Set() };

/** The selection of a list; another list begins without one. */
export function useSelection(list: string): [Selection, (selection: Selection) => void] {
  const [kept, keep] = useState<{ list: string; selection: Selection }>({
    list,
    selection: NOTHING,
  });
  return [kept.list === list ? kept.selection : NOTHING, (selection) => keep({ list, selection })];
}

export function isEmpty(selection: Selection): boolean {
  return selection !== "matching" && selection.ids.size === 0;
}

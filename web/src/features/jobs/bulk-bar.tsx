import { useState } from "react";
import { canCancel, canRetry } from "../../api/job-states";
import { Button } from "../../components/button";
import { formatCount } from "../../lib/numbers";
import css from "./bulk-bar.module.css";
import { BulkDialog } from "./bulk-dialog";
import type { BulkAction, BulkFilter } from "./queries";
import type { JobsSearch } from "./search";
import { isEmpty, NOTHING, type Selection } from "./use-selection";

interface BulkBarProps {
  search: JobsSearch;
  selection: Selection;
  /** Ids of the rows that are shown. */
  shown: readonly string[];
  /** How many jobs match the filters, where that is known. */
  matching: number | null;
  onSelect: (selection: Selection) => void;
}

const ACTIONS: readonly BulkAction[] = ["retry", "cancel", "delete"];

/** Retries, cancels or deletes the selected jobs; each action counts them before it starts. */
export function BulkBar({ search, selection, shown, matching, onSelect }: BulkBarProps) {
  // the selection at the time of the question stays the subject of the answer
  const [asking, setAsking] = useState<Asked | null>(null);
  const filtered = Object.values(search).some(Boolean);
  const empty = isEmpty(selection);
  const asked = (action: BulkAction): Asked =>
    selection === "matching"
      ? { action, filter: given(search), subject: "all jobs that match the filters" }
      : { action, filter: { ids: [...selection.ids] }, subject: jobs(selection.ids.size) };
  return (
    <fieldset className={css.bar}>
      <legend className="visually-hidden">Act on many jobs</legend>
      <span className={css.subject} role="status">
        {describe(selection, shown)}
      </span>
      {filtered && selection !== "matching" && (
        <Button look="quiet" className={css.action} onClick={() => onSelect("matching")}>
          Select all {matching !== null && `${formatCount(matching)} `}matching
        </Button>
      )}
      {!empty && (
        <Button look="quiet" className={css.action} onClick={() => onSelect(NOTHING)}>
          Clear selection
        </Button>
      )}
      <span className={css.actions}>
        {ACTIONS.map((action) => (
          <Button
            key={action}
            className={css.action}
            disabled={empty || (selection === "matching" && !possible(action, search))}
            onClick={() => setAsking(asked(action))}
          >
            {action.charAt(0).toUpperCase() + action.slice(1)}…
          </Button>
        ))}
      </span>
      {asking && (
        <BulkDialog
          {...asking}
          onClose={(changed) => {
            setAsking(null);
            if (changed) onSelect(NOTHING);
          }}
        />
      )}
    </fieldset>
  );
}

interface Asked {
  action: BulkAction;
  filter: BulkFilter;
  subject: string;
}

function describe(selection: Selection, shown: readonly string[]): string {
  if (selection === "matching") return "All jobs that match the filters";
  if (isEmpty(selection)) return "No job selected";
  const away = selection.ids.size - shown.filter((id) => selection.ids.has(id)).length;
  return `${jobs(selection.ids.size)}${away > 0 ? `, ${formatCount(away)} not shown` : ""}`;
}

function jobs(count: number): string {
  return `${formatCount(count)} selected job${count === 1 ? "" : "s"}`;
}

/** The filters that are set: an empty one is not the same as none. */
function given(search: JobsSearch): BulkFilter {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value));
}

function possible(action: BulkAction, { state }: JobsSearch): boolean {
  if (!state) return true;
  if (action === "retry") return canRetry(state);
  return action === "cancel" ? canCancel(state) : state !== "running";
}

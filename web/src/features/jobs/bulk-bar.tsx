import { useState } from "react";
import { canCancel, canRetry } from "../../api/job-states";
import { Button } from "../../components/button";
import { formatCount } from "../../lib/numbers";
import css from "./bulk-bar.module.css";
import { BulkDialog } from "./bulk-dialog";
import type { BulkAction, BulkFilter } from "./queries";
import type { JobsSearch } from "./search";

interface BulkBarProps {
  search: JobsSearch;
  /** Selected rows; without any an action is for all that fit the filters. */
  chosen: readonly string[];
  onClear: () => void;
}

const ACTIONS: readonly BulkAction[] = ["retry", "cancel", "delete"];

/** Retries, cancels or deletes many jobs; each is counted before it is done. */
export function BulkBar({ search, chosen, onClear }: BulkBarProps) {
  // what was chosen when the question was asked stays the subject of the answer
  const [asking, setAsking] = useState<Asked | null>(null);
  const filtered = Object.values(search).some(Boolean);
  const subject =
    chosen.length > 0
      ? `${formatCount(chosen.length)} selected job${chosen.length === 1 ? "" : "s"}`
      : "all jobs that fit the filters";
  const filter: BulkFilter = chosen.length > 0 ? { ids: [...chosen] } : given(search);
  return (
    <fieldset className={css.bar}>
      <legend className="visually-hidden">Act on many jobs</legend>
      <span className={css.subject} role="status">
        {filtered || chosen.length > 0 ? subject : "Filter or select jobs to act on many:"}
      </span>
      {ACTIONS.map((action) => (
        <Button
          key={action}
          className={css.action}
          disabled={chosen.length === 0 && !(filtered && possible(action, search))}
          onClick={() => setAsking({ action, filter, subject })}
        >
          {action.charAt(0).toUpperCase() + action.slice(1)}…
        </Button>
      ))}
      {chosen.length > 0 && (
        <Button look="quiet" className={css.action} onClick={onClear}>
          Clear selection
        </Button>
      )}
      {asking && (
        <BulkDialog
          {...asking}
          onClose={(changed) => {
            setAsking(null);
            if (changed) onClear();
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

/** Only what is given: an empty filter is not the same as none. */
function given(search: JobsSearch): BulkFilter {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value));
}

function possible(action: BulkAction, { state }: JobsSearch): boolean {
  if (!state) return true;
  if (action === "retry") return canRetry(state);
  return action === "cancel" ? canCancel(state) : state !== "running";
}

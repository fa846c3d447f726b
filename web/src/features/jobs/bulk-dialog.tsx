import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Field } from "../../components/field";
import { Loaded } from "../../components/loaded";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import { formatCount } from "../../lib/numbers";
import { BulkProgress } from "./bulk-progress";
import {
  type BulkAction,
  type BulkFilter,
  bulkQuery,
  dryRunQuery,
  outdateJobs,
  useBulk,
} from "./queries";

interface BulkDialogProps {
  action: BulkAction;
  filter: BulkFilter;
  /** What the filter means, as in "3 selected jobs". */
  subject: string;
  onClose: (changed: boolean) => void;
}

/** Above this many the user types the number, against slips. */
const TYPED_FROM = 100;

const EFFECTS: Record<BulkAction, string> = {
  retry:
    "Each becomes available at once, or waits again for others that are retried too; one that runs or waits already is left alone.",
  cancel: "What waits will not run, and what runs is told to stop; what has ended is left alone.",
  delete: "Jobs go with their attempts, and nothing brings them back; what runs is left alone.",
};

/** Counts, asks, does, and shows how far it has come. */
export function BulkDialog({ action, filter, subject, onClose }: BulkDialogProps) {
  const client = useQueryClient();
  const perform = useBulk(action, filter);
  const started = perform.data;
  const followed = useQuery(bulkQuery(started?.state === "running" ? (started.id ?? null) : null));
  const bulk = followed.data ?? started;
  const over = bulk !== undefined && bulk.state !== "running";

  useEffect(() => {
    if (over) void outdateJobs(client);
  }, [over, client]);

  const title = `${action.charAt(0).toUpperCase() + action.slice(1)} ${subject}`;
  return (
    <Modal title={bulk ? title : `${title}?`} onClose={() => onClose(bulk !== undefined)}>
      {bulk ? (
        <BulkProgress bulk={bulk} error={followed.error} onClose={() => onClose(true)} />
      ) : (
        <Question
          action={action}
          filter={filter}
          busy={perform.isPending}
          error={perform.error}
          onYes={() => perform.mutate()}
          onNo={() => onClose(false)}
        />
      )}
    </Modal>
  );
}

interface QuestionProps {
  action: BulkAction;
  filter: BulkFilter;
  busy: boolean;
  error: unknown;
  onYes: () => void;
  onNo: () => void;
}

/** The exact count, before anything is changed. */
function Question({ action, filter, busy, error, onYes, onNo }: QuestionProps) {
  const count = useQuery(dryRunQuery(action, filter));
  const [typed, setTyped] = useState("");
  const matched = count.data?.matched ?? 0;
  const sure = matched <= TYPED_FROM || typed.replace(/\D/g, "") === String(matched);
  return (
    <>
      <Loaded query={count} label="count" rows={2}>
        {() => (
          <>
            <p className="numbers">
              <strong>{jobs(matched)}</strong> {matched === 1 ? "fits" : "fit"}.{" "}
              {matched > 0 && EFFECTS[action]}
            </p>
            {matched > TYPED_FROM && (
              <Field label={`Type ${matched} to go on`}>
                {(attributes) => (
                  <input
                    {...attributes}
                    inputMode="numeric"
                    autoComplete="off"
                    value={typed}
                    onChange={({ target }) => setTyped(target.value)}
                  />
                )}
              </Field>
            )}
          </>
        )}
      </Loaded>
      {error != null && <Failure error={error} />}
      <ModalActions>
        <Button onClick={onNo}>Leave them</Button>
        <Button
          look={action === "retry" ? "primary" : "danger"}
          disabled={!count.data || matched === 0 || !sure || busy}
          onClick={onYes}
        >
          {busy
            ? "Starting…"
            : `${action.charAt(0).toUpperCase() + action.slice(1)} ${count.data ? jobs(matched) : ""}`}
        </Button>
      </ModalActions>
    </>
  );
}

function jobs(count: number): string {
  return `${formatCount(count)} job${count === 1 ? "" : "s"}`;
}

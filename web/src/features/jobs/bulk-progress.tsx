import type { Schemas } from "../../api/client";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { ModalActions } from "../../components/modal-actions";
import { Progress } from "../../components/progress";
import { formatCount } from "../../lib/numbers";
import css from "./bulk-progress.module.css";
import { useBulkCancel } from "./queries";

interface BulkProgressProps {
  bulk: Schemas["Bulk"];
  error: unknown;
  onClose: () => void;
}

const DONE = { retry: "retried", cancel: "cancelled", delete: "deleted" } as const;

/** Progress of a bulk command; it continues when the dialog is closed, and ends when it is stopped. */
export function BulkProgress({ bulk, error, onClose }: BulkProgressProps) {
  const stop = useBulkCancel();
  const { id, action, matched, changed, skipped, state } = bulk;
  const running = state === "running";
  return (
    <div className={css.progress}>
      <Progress done={changed + skipped} of={matched} label={`Jobs ${DONE[action]}`} />
      <p className="numbers" role="status">
        {state === "cancelled" && <strong>Stopped. </strong>}
        {formatCount(changed)} {DONE[action]}
        {skipped > 0 && `, ${formatCount(skipped)} left alone`}
        {running && ` of ${formatCount(matched)}`}.
      </p>
      {running && <p className="muted">It goes on when this is closed.</p>}
      {error != null && <Failure error={error} />}
      {stop.error && <Failure error={stop.error} />}
      <ModalActions>
        {running && id != null && (
          <Button look="danger" disabled={stop.isPending} onClick={() => stop.mutate(id)}>
            Stop
          </Button>
        )}
        <Button look={running ? "plain" : "primary"} onClick={onClose}>
          Close
        </Button>
      </ModalActions>
    </div>
  );
}

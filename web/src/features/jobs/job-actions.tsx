import { useState } from "react";
import type { Schemas } from "../../api/client";
import { canCancel, canRetry } from "../../api/job-states";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import css from "./job-actions.module.css";
import { useJobCommand } from "./queries";

export function JobActions({ job }: { job: Schemas["Job"] }) {
  const retry = useJobCommand("retry", job.id);
  const cancel = useJobCommand("cancel", job.id);
  const [asking, setAsking] = useState(false);
  const done = retry.isSuccess || cancel.isSuccess;

  return (
    <div className={css.actions}>
      <div className={css.buttons}>
        <Button
          onClick={() => retry.mutate()}
          disabled={!canRetry(job.state) || retry.isPending}
          title="Makes the job available now"
        >
          Retry
        </Button>
        <Button
          look="danger"
          onClick={() => setAsking(true)}
          disabled={!canCancel(job.state) || job.cancelling || cancel.isPending}
        >
          Cancel
        </Button>
        <span className="muted" role="status">
          {done && (cancel.isSuccess ? "Cancellation was asked for." : "It will run again.")}
        </span>
      </div>
      {retry.error && <Failure error={retry.error} />}
      {cancel.error && <Failure error={cancel.error} />}
      {asking && (
        <Modal title={`Cancel job ${job.id}?`} onClose={() => setAsking(false)}>
          <p>
            {job.state === "running"
              ? `This ${job.kind} is running; it is told to stop and what it has not committed is lost.`
              : `This ${job.kind} will not run. It can be retried later.`}
          </p>
          <ModalActions>
            <Button onClick={() => setAsking(false)}>Keep it</Button>
            <Button
              look="danger"
              onClick={() => {
                setAsking(false);
                cancel.mutate();
              }}
            >
              Cancel the job
            </Button>
          </ModalActions>
        </Modal>
      )}
    </div>
  );
}

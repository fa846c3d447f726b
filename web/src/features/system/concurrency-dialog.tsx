import { type FormEvent, useState } from "react";
import type { Schemas } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Field } from "../../components/field";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import css from "./concurrency-dialog.module.css";
import { useQueueChange } from "./queries";

interface ConcurrencyDialogProps {
  queue: Schemas["Queue"];
  onClose: () => void;
}

/** How many attempts of a queue run at a time: in each process, and in all of them together. */
export function ConcurrencyDialog({ queue, onClose }: ConcurrencyDialogProps) {
  const change = useQueueChange(queue.name);
  const [concurrency, setConcurrency] = useState(String(queue.concurrency ?? ""));
  const [cap, setCap] = useState(String(queue.cap ?? ""));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const number = (typed: string) => (typed.trim() === "" ? null : Number(typed));
    change.mutate({ concurrency: number(concurrency), cap: number(cap) }, { onSuccess: onClose });
  };
  const problem = change.error instanceof ApiProblem ? change.error : null;
  const wrong = (field: string) => (problem?.field === field ? problem.message : null);
  const elsewhere = change.error && !["concurrency", "cap"].includes(problem?.field ?? "");
  return (
    <Modal title={`How much of ${queue.name} runs at a time`} onClose={onClose}>
      <form onSubmit={submit} className={css.form}>
        <p>Takes effect on every worker within two seconds. What runs already is not stopped.</p>
        <div className={css.row}>
          <Field
            label="In each process"
            hint="Empty: as each was started"
            error={wrong("concurrency")}
          >
            {(attributes) => (
              <input
                {...attributes}
                type="number"
                min={1}
                max={1000}
                value={concurrency}
                onChange={({ target }) => setConcurrency(target.value)}
              />
            )}
          </Field>
          <Field label="In all together" hint="Empty: no cap" error={wrong("cap")}>
            {(attributes) => (
              <input
                {...attributes}
                type="number"
                min={0}
                max={100_000}
                value={cap}
                onChange={({ target }) => setCap(target.value)}
              />
            )}
          </Field>
        </div>
        {elsewhere && <Failure error={change.error} />}
        <ModalActions>
          <Button onClick={onClose}>Leave it</Button>
          <Button type="submit" look="primary" disabled={change.isPending}>
            {change.isPending ? "Changing…" : "Change"}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { ApiProblem } from "../../api/problem";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Field } from "../../components/field";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import { type Draft, readDraft, requestKey } from "./draft";
import css from "./enqueue-dialog.module.css";
import { KINDS } from "./kinds";
import { useEnqueue } from "./queries";

const FIELDS = ["kind", "args", "unique_key", "priority", "scheduled_at"];

/** Adds a job; what does not fit is told by the server and shown at its field. */
export function EnqueueDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const enqueue = useEnqueue();
  const [draft, setDraft] = useState<Draft>({
    kind: KINDS[0].kind,
    args: KINDS[0].example,
    uniqueKey: "",
    priority: "",
    scheduledAt: "",
  });
  const [wrongJson, setWrongJson] = useState<string | null>(null);
  const key = useRef({ body: "", value: "" });

  const change = (changed: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...changed }));
    setWrongJson(null);
    enqueue.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = readDraft(draft);
    if ("error" in read) return setWrongJson(read.error);
    const body = JSON.stringify(read.job);
    if (key.current.body !== body) key.current = { body, value: requestKey() };
    enqueue.mutate(
      { job: read.job, key: key.current.value },
      {
        onSuccess: ({ id }) => {
          onClose();
          void navigate({ to: "/jobs/$id", params: { id } });
        },
      },
    );
  };

  const problem = enqueue.error instanceof ApiProblem ? enqueue.error : null;
  const wrong = (field: string) => (problem?.field === field ? problem.message : null);
  const elsewhere = enqueue.error && !FIELDS.includes(problem?.field ?? "");

  return (
    <Modal title="Enqueue a job" onClose={onClose}>
      <form onSubmit={submit} className={css.form}>
        <Field label="Kind" error={wrong("kind")}>
          {(attributes) => (
            <select
              {...attributes}
              value={draft.kind}
              onChange={({ target }) => {
                const example = KINDS.find(({ kind }) => kind === target.value)?.example ?? "{}";
                change({ kind: target.value, args: example });
              }}
            >
              {KINDS.map(({ kind }) => (
                <option key={kind}>{kind}</option>
              ))}
            </select>
          )}
        </Field>
        <Field
          label="Arguments"
          hint="A JSON object, as the kind asks for it."
          error={wrongJson ?? wrong("args")}
        >
          {(attributes) => (
            <textarea
              {...attributes}
              spellCheck={false}
              value={draft.args}
              onChange={({ target }) => change({ args: target.value })}
            />
          )}
        </Field>
        <div className={css.row}>
          <Field label="Unique key" hint="Optional" error={wrong("unique_key")}>
            {(attributes) => (
              <input
                {...attributes}
                value={draft.uniqueKey}
                onChange={({ target }) => change({ uniqueKey: target.value })}
              />
            )}
          </Field>
          <Field label="Priority" hint="0 first, 9 last" error={wrong("priority")}>
            {(attributes) => (
              <input
                {...attributes}
                type="number"
                min={0}
                max={9}
                placeholder="the kind’s own"
                value={draft.priority}
                onChange={({ target }) => change({ priority: target.value })}
              />
            )}
          </Field>
          <Field label="Not before" hint="Your local time" error={wrong("scheduled_at")}>
            {(attributes) => (
              <input
                {...attributes}
                type="datetime-local"
                value={draft.scheduledAt}
                onChange={({ target }) => change({ scheduledAt: target.value })}
              />
            )}
          </Field>
        </div>
        {elsewhere && <Failure error={enqueue.error} />}
        <ModalActions>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" look="primary" disabled={enqueue.isPending}>
            {enqueue.isPending ? "Adding…" : "Enqueue"}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

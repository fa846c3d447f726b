import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Field } from "../../components/field";
import { Loaded } from "../../components/loaded";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import { type Draft, readDraft, requestKey } from "./draft";
import css from "./enqueue-dialog.module.css";
import { type Argument, argumentsOf, exampleOf } from "./kinds";
import { kindsQuery, useEnqueue } from "./queries";

/** What the form begins with: it asks for nothing and starts everything. */
const FIRST = "scrape_batch";
const FIELDS = ["kind", "args", "unique_key", "priority", "scheduled_at"];

/** Adds a job; an invalid value is reported by the server and shown at its field. */
export function EnqueueDialog({ onClose }: { onClose: () => void }) {
  const kinds = useQuery(kindsQuery);
  return (
    <Modal title="Enqueue a job" onClose={onClose}>
      <Loaded query={kinds} label="kinds" rows={4}>
        {({ items }) => <EnqueueForm kinds={items} onClose={onClose} />}
      </Loaded>
    </Modal>
  );
}

interface EnqueueFormProps {
  kinds: readonly Schemas["JobKind"][];
  onClose: () => void;
}

function EnqueueForm({ kinds, onClose }: EnqueueFormProps) {
  const navigate = useNavigate();
  const enqueue = useEnqueue();
  const first = kinds.find(({ kind }) => kind === FIRST) ?? kinds[0];
  const [draft, setDraft] = useState<Draft>({
    kind: first?.kind ?? "",
    args: exampleOf(first),
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
  // what does not fit may lie within a field, as in args.symbols[1]
  const at = problem?.field?.split(/[.[]/, 1)[0] ?? "";
  const wrong = (field: string) => (at === field && problem ? problem.message : null);
  const elsewhere = enqueue.error && !FIELDS.includes(at);

  const known = argumentsOf(kinds.find(({ kind }) => kind === draft.kind));
  return (
    <form onSubmit={submit} className={css.form}>
      <Field label="Kind" error={wrong("kind")}>
        {(attributes) => (
          <select
            {...attributes}
            value={draft.kind}
            onChange={({ target }) => {
              const chosen = kinds.find(({ kind }) => kind === target.value);
              change({ kind: target.value, args: exampleOf(chosen) });
            }}
          >
            {kinds.map(({ kind }) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        )}
      </Field>
      <Field
        label="Arguments"
        hint={known.length === 0 ? "This kind takes none." : <Arguments of={known} />}
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
  );
}

function Arguments({ of }: { of: readonly Argument[] }) {
  return of.map(({ name, type, required, about }, index) => (
    <span key={name}>
      {index > 0 && "; "}
      <code>{name}</code>: {type}
      {required ? "" : ", optional"}
      {about && ` (${about.replace(/\.$/, "")})`}
    </span>
  ));
}

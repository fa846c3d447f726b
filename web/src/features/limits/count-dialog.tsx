import { useState } from "react";
import { Field } from "../../components/field";
import { parseDollars } from "../../lib/numbers";
import { CommandDialog } from "./command-dialog";
import css from "./command-dialog.module.css";
import { ReasonField, said } from "./hold-fields";
import type { LimitCommand } from "./queries";
import type { Limit } from "./standing";

interface Draft {
  requests: string;
  tokens: string;
  dollars: string;
  reason: string;
}

/** Reports calls made outside the cluster to the ledger, so that it counts as the provider does. */
export function CountDialog({ limit, onClose }: { limit: Limit; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>({ requests: "", tokens: "", dollars: "", reason: "" });
  const set = (name: keyof Draft) => (value: string) =>
    setDraft((old) => ({ ...old, [name]: value }));
  return (
    <CommandDialog
      limit={limit}
      title={`Count calls made elsewhere with ${limit.key}?`}
      action="Count"
      command={readCount(draft)}
      onClose={onClose}
    >
      <p>
        The provider counts every call under the key, also those by hand or by another program. What
        is counted here leaves the windows as if it had been made now.
      </p>
      <div className={css.row}>
        <Amount label="Calls" value={draft.requests} onChange={set("requests")} />
        <Amount label="Tokens" value={draft.tokens} onChange={set("tokens")} />
        <Amount label="Dollars" value={draft.dollars} onChange={set("dollars")} />
      </div>
      <ReasonField value={draft.reason} onChange={set("reason")} />
    </CommandDialog>
  );
}

interface AmountProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

function Amount({ label, value, onChange }: AmountProps) {
  return (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          inputMode="decimal"
          placeholder="0"
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}

/** What the form asks for; `null` while it counts nothing, or something that is no number. */
export function readCount(draft: Draft): Extract<LimitCommand, { do: "count" }> | null {
  const whole = (typed: string) =>
    typed.trim() === "" ? 0 : /^\d{1,12}$/.test(typed.trim()) ? Number(typed) : null;
  const requests = whole(draft.requests);
  const tokens = whole(draft.tokens);
  const micros = draft.dollars.trim() === "" ? 0 : parseDollars(draft.dollars);
  if (requests === null || tokens === null || micros === null) return null;
  if (requests + tokens + micros === 0) return null;
  return {
    do: "count",
    body: {
      ...(requests > 0 && { requests }),
      ...(tokens > 0 && { tokens }),
      ...(micros > 0 && { micros }),
      ...said(draft.reason),
    },
  };
}

import { useState } from "react";
import { CommandDialog } from "./command-dialog";
import css from "./command-dialog.module.css";
import { ReasonField, SpanField, said } from "./hold-fields";
import type { Limit } from "./standing";

interface HoldDialogProps {
  limit: Limit;
  way: "park" | "trip";
  onClose: () => void;
}

const WORDS = {
  park: {
    title: (key: string) => `Park ${key}?`,
    action: "Park",
    effect: "Nothing is asked of it until then, by no worker. Its jobs wait and lose no attempt.",
  },
  trip: {
    title: (key: string) => `Trip the breaker of ${key}?`,
    action: "Trip",
    effect:
      "No call is made until then; after that a single one tries whether the service is back.",
  },
};

/** Holds a key still for a while, by hand. */
export function HoldDialog({ limit, way, onClose }: HoldDialogProps) {
  const [seconds, setSeconds] = useState(way === "park" ? 3600 : 60);
  const [reason, setReason] = useState("");
  const { title, action, effect } = WORDS[way];
  return (
    <CommandDialog
      limit={limit}
      title={title(limit.key)}
      action={action}
      command={{ do: way, body: { seconds, ...said(reason) } }}
      onClose={onClose}
    >
      <p>{effect}</p>
      <div className={css.row}>
        <SpanField value={seconds} onChange={setSeconds} />
        <ReasonField value={reason} hint="Shown beside the key" onChange={setReason} />
      </div>
    </CommandDialog>
  );
}

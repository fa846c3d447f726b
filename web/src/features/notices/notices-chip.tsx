import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { Button } from "../../components/button";
import css from "./notices-chip.module.css";
import { noticesQuery } from "./queries";

/** Names the simulated and switched off parts, on every page; empty if all providers are real. */
export function NoticesChip() {
  const { data } = useQuery(noticesQuery);
  const id = useId();
  if (!data?.items.length) return null;
  const off = data.items.filter((notice) => notice.mode === "off");
  const simulated = data.items.filter((notice) => notice.mode === "simulated");
  const words = [simulated.length > 0 && "Simulated data", off.length > 0 && `${off.length} off`];
  return (
    <>
      <Button
        className={css.chip}
        data-mode={off.length ? "off" : "simulated"}
        popoverTarget={id}
        aria-haspopup="dialog"
      >
        {words.filter(Boolean).join(" · ")}
      </Button>
      <div
        id={id}
        popover="auto"
        role="dialog"
        aria-label="Simulated and off"
        className={css.sheet}
      >
        <Part title="Simulated" notices={simulated} />
        <Part title="Off" notices={off} />
        {simulated.length > 0 && (
          <p className={css.advice}>
            Simulated prices, news and messages come from the built-in sandbox; no provider is asked
            and nothing is sent. Put real keys into <code>.env</code> (<code>.env.example</code>{" "}
            lists them) and start again.
          </p>
        )}
      </div>
    </>
  );
}

interface PartProps {
  title: string;
  notices: readonly { subject: string; reason: string }[];
}

function Part({ title, notices }: PartProps) {
  if (notices.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      <ul className={css.list}>
        {notices.map(({ subject, reason }) => (
          <li key={`${subject} ${reason}`}>
            <code>{subject}</code> {reason}
          </li>
        ))}
      </ul>
    </>
  );
}

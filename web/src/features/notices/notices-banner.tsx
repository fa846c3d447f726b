import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import css from "./notices-banner.module.css";
import { noticesQuery } from "./queries";

/** What is simulated or switched off; nothing to see once everything is real. */
export function NoticesBanner() {
  const { data } = useQuery(noticesQuery);
  if (!data?.items.length) return null;
  const off = data.items.filter((notice) => notice.mode === "off");
  const simulated = data.items.filter((notice) => notice.mode === "simulated");
  return (
    <details className={css.banner} data-mode={off.length ? "off" : "simulated"}>
      <summary>
        <span className={css.summary}>
          {simulated.length > 0 && (
            <span>
              <strong>Simulated:</strong> {names(simulated)}.{" "}
            </span>
          )}
          {off.length > 0 && (
            <span>
              <strong>Off:</strong> {names(off)}.{" "}
            </span>
          )}
          <span className={css.more}>Why, and how to use real keys</span>
        </span>
      </summary>
      <ul className={css.list}>
        {data.items.map((notice) => (
          <li key={`${notice.subject} ${notice.reason}`}>
            <code>{notice.subject}</code> {notice.reason}
          </li>
        ))}
      </ul>
      {simulated.length > 0 && (
        <p className={css.advice}>
          Simulated prices, news and messages come from the built-in sandbox; no provider is asked
          and nothing is sent. Put real keys into <code>.env</code> (<code>.env.example</code> lists
          them) and start again.
        </p>
      )}
    </details>
  );
}

function names(notices: readonly Schemas["Notice"][]): string {
  return [...new Set(notices.map((notice) => notice.subject))].join(", ");
}

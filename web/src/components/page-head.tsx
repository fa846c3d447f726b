import type { ReactNode } from "react";
import { useEffect } from "react";
import css from "./page-head.module.css";

interface PageHeadProps {
  title: string;
  /** The tab's name where it is another one. */
  tab?: string | undefined;
  lead?: ReactNode;
  actions?: ReactNode;
}

/** A page's one heading; names the tab as well. */
export function PageHead({ title, tab = title, lead, actions }: PageHeadProps) {
  useEffect(() => {
    document.title = `${tab} · Bellwether`;
  }, [tab]);
  return (
    <header className={css.head}>
      <div>
        <h1>{title}</h1>
        {lead && <p className={css.lead}>{lead}</p>}
      </div>
      {actions && <div className={css.actions}>{actions}</div>}
    </header>
  );
}

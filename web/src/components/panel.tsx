import { type ReactNode, useId } from "react";
import css from "./panel.module.css";

interface PanelProps {
  title: string;
  /** What the figures in it cover. */
  scope?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A titled part of a page. */
export function Panel({ title, scope, actions, children }: PanelProps) {
  const heading = useId();
  return (
    <section className={css.panel} aria-labelledby={heading}>
      <header className={css.head}>
        <h2 id={heading}>{title}</h2>
        {scope && <p className={css.scope}>{scope}</p>}
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

import { type ReactNode, type Ref, useId } from "react";
import css from "./panel.module.css";

interface PanelProps {
  title: string;
  /** The heading's level: 1 for a panel that is all of the page. */
  level?: 1 | 2;
  /** The heading, for a focus that is moved to it. */
  heading?: Ref<HTMLHeadingElement>;
  /** What the figures in it cover. */
  scope?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A titled part of a page. */
export function Panel({ title, level = 2, heading, scope, actions, children }: PanelProps) {
  const id = useId();
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <section className={css.panel} aria-labelledby={id}>
      <header className={css.head}>
        <Heading id={id} ref={heading} tabIndex={heading ? -1 : undefined}>
          {title}
        </Heading>
        {scope && <p className={css.scope}>{scope}</p>}
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

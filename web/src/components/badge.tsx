import type { ReactNode } from "react";
import css from "./badge.module.css";

interface BadgeProps {
  /** A colour token of tokens.css. */
  tone?: string;
  title?: string;
  children: ReactNode;
}

export function Badge({ tone = "quiet", title, children }: BadgeProps) {
  return (
    <span className={css.badge} title={title} style={{ "--tone": `var(--${tone})` }}>
      {children}
    </span>
  );
}

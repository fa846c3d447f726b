import type { ReactNode } from "react";
import css from "./empty.module.css";

/** Nothing there, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css.empty}>
      <strong>{title}</strong>
      {children && <div>{children}</div>}
    </div>
  );
}

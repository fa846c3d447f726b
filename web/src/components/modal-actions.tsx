import type { ReactNode } from "react";
import css from "./modal.module.css";

export function ModalActions({ children }: { children: ReactNode }) {
  return <div className={css.actions}>{children}</div>;
}

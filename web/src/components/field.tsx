import { type ReactNode, useId } from "react";
import css from "./field.module.css";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** The control; it takes the given attributes. */
  children: (attributes: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": boolean;
  }) => ReactNode;
}

/** A labelled control with its hint and the error of its value. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const note = hint || error ? `${id}-note` : undefined;
  return (
    <div className={css.field}>
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": note, "aria-invalid": Boolean(error) })}
      {note && (
        <p id={note} className={error ? css.error : css.hint} role={error ? "alert" : undefined}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

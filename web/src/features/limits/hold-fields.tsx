import { Field } from "../../components/field";
import { formatSeconds } from "../../lib/numbers";

const SPANS = [60, 900, 3600, 6 * 3600, 24 * 3600] as const;

/** How long something holds. */
export function SpanField({
  value,
  onChange,
}: {
  value: number;
  onChange: (span: number) => void;
}) {
  return (
    <Field label="For">
      {(attributes) => (
        <select
          {...attributes}
          value={value}
          onChange={({ target }) => onChange(Number(target.value))}
        >
          {SPANS.map((span) => (
            <option key={span} value={span}>
              {formatSeconds(span)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface ReasonFieldProps {
  value: string;
  /** Where it will be read. */
  hint?: string;
  onChange: (reason: string) => void;
}

/** Why. */
export function ReasonField({ value, hint = "Kept in the audit", onChange }: ReasonFieldProps) {
  return (
    <Field label="Reason" hint={hint}>
      {(attributes) => (
        <input
          {...attributes}
          maxLength={200}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}

/** A reason as a request takes it; without one the server gives its own. */
export function said(reason: string): { reason?: string } {
  return reason.trim() ? { reason: reason.trim() } : {};
}

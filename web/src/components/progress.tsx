import css from "./progress.module.css";

interface ProgressProps {
  done: number;
  /** A second part of the progress, in its own colour. */
  failed?: number;
  of: number;
  label: string;
}

/** How far something that ends has come. */
export function Progress({ done, failed = 0, of, label }: ProgressProps) {
  const share = (part: number) => (of > 0 ? `${Math.min(part / of, 1) * 100}%` : "0");
  return (
    <span
      className={css.progress}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={Math.min(done, of)}
      aria-valuetext={`${done} of ${of}${failed > 0 ? `, ${failed} failed` : ""}`}
    >
      <span className={css.good} style={{ width: share(done - failed) }} />
      <span className={css.failed} style={{ width: share(failed) }} />
    </span>
  );
}

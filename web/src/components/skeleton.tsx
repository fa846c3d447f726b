import css from "./skeleton.module.css";

/** A placeholder while data loads. */
export function Skeleton({ rows = 3, label }: { rows?: number; label: string }) {
  return (
    <div className={css.skeleton} role="status">
      <span className="visually-hidden">Loading {label}…</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same and never move
        <span key={row} className={css.row} />
      ))}
    </div>
  );
}

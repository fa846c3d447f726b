import { direction, signed } from "../lib/decimal";
import css from "./change.module.css";

/** A move since the previous close: arrow, sign and colour say the same. */
export function Change({ percent, amount }: { percent: string; amount?: string | null }) {
  const way = direction(percent);
  const [look, arrow, word] =
    way > 0
      ? [css.up, "▲", "up"]
      : way < 0
        ? [css.down, "▼", "down"]
        : [css.flat, "■", "unchanged"];
  return (
    <span className={`${look} numbers`}>
      <span aria-hidden="true" className={css.arrow}>
        {arrow}
      </span>
      <span className="visually-hidden">{word} </span>
      {signed(percent)} %{amount && <span className={css.amount}> ({signed(amount)})</span>}
    </span>
  );
}

import type { Schemas } from "../../api/client";
import { Gauge } from "../../components/gauge";
import { Timestamp } from "../../components/timestamp";
import { formatScore } from "../../lib/numbers";
import { LABEL_MARKS, signalWords } from "./formula";
import css from "./signal-cell.module.css";

interface SignalCellProps {
  signal: Schemas["SignalSummary"] | null | undefined;
  symbol: string;
}

/** The current signal: its label, its place between −1 and 1, and how good its evidence is. */
export function SignalCell({ signal, symbol }: SignalCellProps) {
  if (!signal) return <span className="muted">none yet</span>;
  if (signal.score == null || !signal.label) {
    return <span className="muted">too few closes ({signal.closes ?? 0} of 51)</span>;
  }
  return (
    <div className={css.signal}>
      <p className={css.head}>
        <strong>{signalWords(signal.label)}</strong>
        <span className="numbers">{formatScore(signal.score)}</span>
        <span className={css.quality} title="How complete and how consistent the evidence is">
          quality {Math.round(signal.quality * 100)} %
        </span>
      </p>
      <Gauge value={signal.score} label={`Signal of ${symbol}`} marks={LABEL_MARKS} />
      <p className={css.at}>
        <Timestamp at={signal.at} />
      </p>
    </div>
  );
}

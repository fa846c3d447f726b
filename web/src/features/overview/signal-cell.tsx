import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { describe } from "../../api/problem";
import { Gauge } from "../../components/gauge";
import { Timestamp } from "../../components/timestamp";
import { formatScore } from "../../lib/numbers";
import { barCount, LABEL_MARKS, signalWords } from "./formula";
import css from "./signal-cell.module.css";

interface SignalCellProps {
  query: UseQueryResult<Schemas["SymbolSignals"]>;
  symbol: string;
}

/** The current signal: its label, its place between −1 and 1, and how good its evidence is. */
export function SignalCell({ query, symbol }: SignalCellProps) {
  if (!query.data) {
    return <span className="muted">{query.error ? describe(query.error).title : "…"}</span>;
  }
  const signal = query.data.current;
  if (!signal) return <span className="muted">none yet</span>;
  if (signal.c == null || !signal.label) {
    return <span className="muted">too few closes ({barCount(signal) ?? 0} of 51)</span>;
  }
  return (
    <div className={css.signal}>
      <p className={css.head}>
        <strong>{signalWords(signal.label)}</strong>
        <span className="numbers">{formatScore(signal.c)}</span>
        <span className={css.quality} title="How complete and how consistent the evidence is">
          quality {Math.round(signal.q * 100)} %
        </span>
      </p>
      <Gauge value={signal.c} label={`Signal of ${symbol}`} marks={LABEL_MARKS} />
      <p className={css.at}>
        <Timestamp at={signal.at} />
      </p>
    </div>
  );
}

import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { formatCount, formatScore } from "../../lib/numbers";
import css from "./sentiment-chip.module.css";

const LOOKS = {
  positive: { tone: "up", arrow: "▲" },
  neutral: { tone: "quiet", arrow: "■" },
  negative: { tone: "down", arrow: "▼" },
} as const;

/** What the news of the window says; stories count once, however many outlets carry them. */
export function SentimentChip({ sentiment }: { sentiment: Schemas["SentimentSummary"] }) {
  const { counts, label, score } = sentiment;
  if (score == null || label == null) {
    return (
      <span className="muted">
        {counts.unanalyzed ? `${formatCount(counts.unanalyzed)} unread` : "no news"}
      </span>
    );
  }
  const { tone, arrow } = LOOKS[label];
  return (
    <span className={css.chip}>
      <Badge tone={tone}>
        <span aria-hidden="true">{arrow}</span> {label}{" "}
        <span className="numbers">{formatScore(score)}</span>
      </Badge>
      <span className={`${css.counts} numbers`}>
        <Count tone="up" arrow="▲" count={counts.positive} of="positive" />
        <Count tone="quiet" arrow="■" count={counts.neutral} of="neutral" />
        <Count tone="down" arrow="▼" count={counts.negative} of="negative" />
        {counts.unanalyzed > 0 && <span>{formatCount(counts.unanalyzed)} unread</span>}
      </span>
    </span>
  );
}

interface CountProps {
  tone: string;
  arrow: string;
  count: number;
  of: string;
}

function Count({ tone, arrow, count, of }: CountProps) {
  return (
    <span title={`${formatCount(count)} ${of} stories`}>
      <span aria-hidden="true" className={css.mark} style={{ color: `var(--${tone})` }}>
        {arrow}
      </span>
      {formatCount(count)}
      <span className="visually-hidden"> {of}</span>
    </span>
  );
}

import { formatMillis } from "../../lib/numbers";

interface PercentilesProps {
  of: { p50?: number | null; p95?: number | null; p99?: number | null } | null | undefined;
}

/** `7 ms / 25 ms / 35 ms` */
export function Percentiles({ of }: PercentilesProps) {
  if (of?.p50 == null) return <span className="muted">–</span>;
  return [of.p50, of.p95, of.p99].map((ms) => (ms == null ? "–" : formatMillis(ms))).join(" / ");
}

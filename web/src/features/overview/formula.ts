import type { Schemas } from "../../api/client";

type Signal = Schemas["Signal"];

/** The formula whose terms are explained one by one; another version shows its bare values. */
export const EXPLAINED = "composite/1";

/** What pulls thin evidence towards zero, in weights. */
export const PRIOR = 0.5;

export const TERMS = [
  {
    name: "M",
    weight: 0.6 * 0.45,
    words: "0.6 × 0.45",
    meaning: "Momentum: 20 sessions against their volatility",
  },
  {
    name: "T",
    weight: 0.6 * 0.25,
    words: "0.6 × 0.25",
    meaning: "Trend: 20-day against 50-day average",
  },
  {
    name: "D",
    weight: 0.6 * 0.2,
    words: "0.6 × 0.20",
    meaning: "Last move against its volatility",
  },
  {
    name: "K",
    weight: 0.6 * 0.1,
    words: "0.6 × 0.10",
    meaning: "Stretch: RSI beyond 30 or 70, against the move",
  },
  {
    name: "S",
    weight: 0.4,
    words: "0.4",
    meaning: "Sentiment of the news, by age, trust and relevance",
  },
] as const;

/** Where a label gives way to the next. */
export const LABEL_MARKS = [-0.45, -0.25, 0.25, 0.45] as const;

export function signalWords(label: Schemas["SignalLabel"]): string {
  const words = label.replace("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A term by its name in the formula; `null` where the signal has none. */
export function term(signal: Signal, name: string): number | null {
  return number(record(signal.terms)[name]);
}

/** One story's part in the sentiment. */
export interface Contribution {
  cluster: string;
  score: number;
  weight: number;
  /** What it adds to S. */
  share: number;
  source: string | null;
  ageHours: number | null;
}

/** The stories that made the sentiment, the heaviest first. */
export function contributions(signal: Signal): Contribution[] {
  const clusters = list(record(signal.inputs).clusters).map(record);
  const total = (term(signal, "W") ?? 0) + PRIOR;
  return list(record(signal.terms).contributions)
    .map(record)
    .map(({ id, score, weight }) => {
      const cluster = clusters.find((known) => known.id === id);
      const [s, w] = [number(score) ?? 0, number(weight) ?? 0];
      return {
        cluster: String(id),
        score: s,
        weight: w,
        share: (s * w) / total,
        source: typeof cluster?.source === "string" ? cluster.source : null,
        ageHours: number(cluster?.age_h),
      };
    })
    .sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

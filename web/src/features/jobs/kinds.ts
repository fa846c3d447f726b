/** The kinds of job, each with arguments that show what it asks for. */
export const KINDS = [
  { kind: "scrape_batch", example: "{}" },
  { kind: "scrape_quotes", example: '{ "symbol": "AAPL" }' },
  { kind: "scrape_news", example: '{ "symbols": ["AAPL", "MSFT"] }' },
  { kind: "analyze_article", example: '{ "article": 1 }' },
  { kind: "derive_signal", example: '{ "symbol": "AAPL" }' },
  { kind: "evaluate_alerts", example: '{ "symbol": "AAPL" }' },
  { kind: "send_notification", example: '{ "notification": 1 }' },
  { kind: "prune", example: "{}" },
] as const;

// Times as the exchange in New York writes them.

const PARTS = new Intl.DateTimeFormat("en-GB", {
  timeZone: "America/New_York",
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

interface ExchangeTime {
  /** `Fri` */
  weekday: string;
  /** `27 Nov` */
  day: string;
  /** `16:00 ET` */
  time: string;
}

export function exchangeTime(at: string): ExchangeTime {
  const parts = new Map(
    PARTS.formatToParts(Date.parse(at)).map(({ type, value }) => [type, value]),
  );
  return {
    weekday: parts.get("weekday") ?? "",
    day: `${parts.get("day")} ${parts.get("month")}`,
    time: `${parts.get("hour")}:${parts.get("minute")} ET`,
  };
}

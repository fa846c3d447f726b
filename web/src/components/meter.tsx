import css from "./meter.module.css";

interface MeterProps {
  used: number;
  of: number;
  label: string;
}

/** How much of something limited is used. */
export function Meter({ used, of, label }: MeterProps) {
  const share = of > 0 ? Math.min(used / of, 1) : 0;
  const look = share >= 1 ? css.full : share >= 0.8 ? css.high : undefined;
  return (
    <span
      className={css.meter}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={used}
      aria-valuetext={`${used} of ${of}`}
    >
      <span className={`${css.fill} ${look ?? ""}`} style={{ width: `${share * 100}%` }} />
    </span>
  );
}

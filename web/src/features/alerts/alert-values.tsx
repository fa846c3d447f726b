import css from "./alert-item.module.css";
import { readValues } from "./values";

/** The values that a rule saw when its episode began. */
export function AlertValues({ detail }: { detail: unknown }) {
  const values = readValues(detail);
  if (values.length === 0) return null;
  return (
    <dl className={`${css.facts} numbers`} aria-label="Values">
      {values.map(({ name, value }) => (
        <div key={name}>
          <dt>{name.replace(/_s$/, "").replaceAll("_", " ")}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

import type { Schemas } from "../../api/client";
import { Gauge } from "../../components/gauge";
import { formatScore } from "../../lib/numbers";
import { TERMS, term } from "./formula";
import css from "./term-table.module.css";

/** `C = 0.6 (0.45 M + 0.25 T + 0.20 D + 0.10 K) + 0.4 S`, a row for each term. */
export function TermTable({ signal }: { signal: Schemas["Signal"] }) {
  return (
    <>
      <p className={css.formula}>
        <code>C = 0.6 P + 0.4 S</code>, <code>P = 0.45 M + 0.25 T + 0.20 D + 0.10 K</code>
      </p>
      <table className={css.terms}>
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col" className={css.number}>
              Value
            </th>
            <th scope="col" className={css.number}>
              × weight
            </th>
            <th scope="col" className={css.number}>
              = part of C
            </th>
            <th scope="col" className={css.bar}>
              <span className="visually-hidden">Value as a bar</span>
            </th>
          </tr>
        </thead>
        <tbody className="numbers">
          {TERMS.map(({ name, weight, words, meaning }) => {
            const value = term(signal, name);
            return (
              <tr key={name}>
                <th scope="row">
                  {name} <span className={css.meaning}>{meaning}</span>
                </th>
                <td className={css.number}>{value === null ? "–" : formatScore(value, 3)}</td>
                <td className={css.number}>{words}</td>
                <td className={css.number}>
                  {value === null ? "–" : formatScore(value * weight, 3)}
                </td>
                <td className={css.bar}>
                  {value !== null && <Gauge value={value} label={`${name}: ${meaning}`} />}
                </td>
              </tr>
            );
          })}
        </tbody>
        <tfoot className="numbers">
          <tr>
            <th scope="row" colSpan={3}>
              C{" "}
              <span className={css.meaning}>
                P = {signal.p == null ? "–" : formatScore(signal.p, 3)}, S ={" "}
                {formatScore(signal.s, 3)}
              </span>
            </th>
            <td className={css.number}>
              <strong>{signal.c == null ? "–" : formatScore(signal.c, 3)}</strong>
            </td>
            <td className={css.bar}>{signal.c != null && <Gauge value={signal.c} label="C" />}</td>
          </tr>
        </tfoot>
      </table>
    </>
  );
}

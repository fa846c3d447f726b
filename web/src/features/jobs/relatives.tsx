import { Link } from "@tanstack/react-router";
import { formatCount } from "../../lib/numbers";
import css from "./relatives.module.css";

const SHOWN = 40;

interface RelativesProps {
  title: string;
  ids: readonly string[];
  none: string;
}

export function Relatives({ title, ids, none }: RelativesProps) {
  return (
    <section className={css.relatives} aria-label={title}>
      <h3>
        {title} {ids.length > 0 && <span className="muted">· {formatCount(ids.length)}</span>}
      </h3>
      {ids.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <ul className={css.ids}>
          {ids.slice(0, SHOWN).map((id) => (
            <li key={id}>
              <Link
                from="/jobs/$id"
                to="/jobs/$id"
                params={{ id }}
                search={(previous) => previous}
                resetScroll={false}
              >
                {id}
              </Link>
            </li>
          ))}
          {ids.length > SHOWN && (
            <li className="muted">and {formatCount(ids.length - SHOWN)} more</li>
          )}
        </ul>
      )}
    </section>
  );
}

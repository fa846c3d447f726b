import { Link } from "@tanstack/react-router";
import { Badge } from "../../components/badge";
import { formatSeconds } from "../../lib/numbers";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import css from "./lane-list.module.css";
import { type Limit, lanesOf, standingOf } from "./standing";

/** Whom a key serves, and who serves in its place when it is away for too long. */
export function LaneList({ limits, name }: { limits: readonly Limit[]; name: string }) {
  const present = useStore(now);
  const lanes = lanesOf(limits, name);
  return (
    <section className={css.part} aria-label="Lanes">
      <h3>Lanes that it serves</h3>
      {lanes.length === 0 && <p className="muted">None.</p>}
      <ul className={css.lanes}>
        {lanes.map(({ queue, lane, keys }) => (
          <li key={`${queue}/${lane}`}>
            <p>
              <Link to="/jobs" search={{ queue }}>
                {queue}
              </Link>{" "}
              <span className="muted">· lane {lane}</span>
            </p>
            <ol className={css.keys}>
              {keys.map(({ key, wait }, index) => {
                const limit = limits.find((each) => each.key === key);
                const standing = limit && standingOf(limit, present);
                const next = keys[index + 1];
                return (
                  <li key={key}>
                    <span className={css.key}>
                      {key === name ? (
                        <strong>{key}</strong>
                      ) : (
                        <Link to="/limits" search={{ key }} resetScroll={false}>
                          {key}
                        </Link>
                      )}
                      {standing && <Badge tone={standing.tone}>{standing.word}</Badge>}
                    </span>
                    {next && (
                      <span className={css.wait}>
                        {wait === null
                          ? "waited for without end"
                          : `if its next permit is more than ${formatSeconds(wait)} away:`}
                      </span>
                    )}
                  </li>
                );
              })}
            </ol>
          </li>
        ))}
      </ul>
    </section>
  );
}

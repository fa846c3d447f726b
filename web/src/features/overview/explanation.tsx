import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Timestamp } from "../../components/timestamp";
import { formatScore } from "../../lib/numbers";
import css from "./explanation.module.css";
import { contributions, EXPLAINED, signalWords, term } from "./formula";
import { newsQuery } from "./queries";
import { StoryList } from "./story-list";
import { TermTable } from "./term-table";

interface ExplanationProps {
  symbol: string;
  signal: Schemas["Signal"];
}

/** How a signal came about: every term of its formula and the stories behind it. */
export function Explanation({ symbol, signal }: ExplanationProps) {
  const news = useQuery(newsQuery(symbol));
  const stories = contributions(signal);
  return (
    <div className={css.explanation}>
      <div className={css.part}>
        <h3>
          How {symbol}’s signal came about
          {signal.label && signal.c != null && (
            <span className="muted">
              {" "}
              · {signalWords(signal.label)}, C = {formatScore(signal.c, 3)}
            </span>
          )}
        </h3>
        {signal.formula_version === EXPLAINED ? (
          <TermTable signal={signal} />
        ) : (
          <pre className={css.raw}>{JSON.stringify(signal.terms, null, 2)}</pre>
        )}
        <p className={css.note}>
          Quality {signal.q.toFixed(2)} · RSI {term(signal, "RSI")?.toFixed(1) ?? "–"} · σ{" "}
          {term(signal, "sigma")?.toFixed(4) ?? "–"} a day · {term(signal, "window") ?? "–"} closes
          · {signal.formula_version} · <Timestamp at={signal.at} prefix="derived " /> after{" "}
          {signal.cause}
          {signal.job && (
            <>
              {" "}
              by{" "}
              <Link to="/jobs/$id" params={{ id: signal.job }}>
                job {signal.job}
              </Link>
            </>
          )}
        </p>
      </div>
      <div className={css.part}>
        <h3>
          Stories that count{" "}
          <span className="muted">
            · {stories.length} of the last 72 h, W = {term(signal, "W")?.toFixed(2) ?? "–"}
          </span>
        </h3>
        <StoryList stories={stories} articles={news.data?.items ?? []} />
      </div>
    </div>
  );
}

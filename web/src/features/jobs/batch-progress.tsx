import type { Schemas } from "../../api/client";
import { Progress } from "../../components/progress";
import { formatCount } from "../../lib/numbers";
import css from "./batch-progress.module.css";

type Batch = NonNullable<Schemas["JobDetail"]["batch"]>;

/** How far the batch has come that a job belongs to. */
export function BatchProgress({ batch }: { batch: Batch }) {
  const { id, name, total, done, failed, state } = batch;
  return (
    <section className={css.batch} aria-label={`Batch ${id}`}>
      <p className={`${css.head} numbers`}>
        <strong>
          {name || `Batch ${id}`}{" "}
          <span className="muted">
            · {name && `batch ${id}, `}
            {state}
          </span>
        </strong>
        <span>
          {formatCount(done)} of {formatCount(total)} completed
          {failed > 0 && <span className={css.failed}>, {formatCount(failed)} failed</span>}
        </span>
      </p>
      <Progress done={done + failed} failed={failed} of={total} label={`Batch ${id}`} />
    </section>
  );
}

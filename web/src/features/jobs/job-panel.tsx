import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { AttemptList } from "./attempt-list";
import { BatchProgress } from "./batch-progress";
import { Dependencies } from "./dependencies";
import { JobActions } from "./job-actions";
import { JobFacts } from "./job-facts";
import css from "./job-panel.module.css";
import { jobQuery } from "./queries";
import { Relatives } from "./relatives";
import { useBeside } from "./use-beside";
import { WhyWaiting } from "./why-waiting";

const route = getRouteApi("/jobs/$id");

/** One job: its state, its history and the commands on it. */
export function JobPanel() {
  const { id } = route.useParams();
  const query = useQuery(jobQuery(id));
  const alone = !useBeside();
  const heading = useRef<HTMLHeadingElement>(null);
  const navigate = useNavigate();

  // biome-ignore lint/correctness/useExhaustiveDependencies: another job is another heading
  useEffect(() => {
    if (alone) window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, [id, alone]);

  const close = (
    <Link from="/jobs/$id" to="/jobs" search={(previous) => previous} resetScroll={false}>
      {alone ? "Back to the list" : "Close"}
    </Link>
  );
  const leave = (event: KeyboardEvent) => {
    // a dialog has taken the key for itself
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]"))
      return;
    void navigate({
      from: "/jobs/$id",
      to: "/jobs",
      search: (previous) => previous,
      resetScroll: false,
    });
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the key is a shortcut to the link
    <div className={css.side} onKeyDown={leave}>
      <Panel
        title={`Job ${id}`}
        level={alone ? 1 : 2}
        heading={heading}
        scope={query.data?.kind}
        actions={close}
      >
        <Loaded query={query} label="details" rows={6}>
          {(job) => (
            <div className={css.job}>
              <JobActions key={id} job={job} />
              <WhyWaiting job={job} />
              {job.batch && <BatchProgress batch={job.batch} />}
              <JobFacts job={job} />
              <Json title="Arguments" value={job.args} />
              {job.output != null && <Json title="Output" value={job.output} />}
              <AttemptList job={job} />
              <Dependencies title="Waits for" jobs={job.waits_for} />
              <Dependencies title="Waited for by" jobs={job.waited_by} />
              <Relatives
                title="Parents"
                ids={without(job.parents, job.waits_for)}
                none="Nothing led to it but a request or the schedule."
              />
              <Relatives
                title="Children"
                ids={without(job.children, job.waited_by)}
                none="It has added no jobs."
              />
            </div>
          )}
        </Loaded>
      </Panel>
    </div>
  );
}

function Json({ title, value }: { title: string; value: unknown }) {
  return (
    <section className={css.part} aria-label={title}>
      <h3>{title}</h3>
      <pre className={css.json}>
        <code>{JSON.stringify(value, null, 2)}</code>
      </pre>
    </section>
  );
}

/** Dependencies are not repeated among the relatives. */
function without(ids: readonly string[], told: readonly { id: string }[]): string[] {
  return ids.filter((id) => !told.some((job) => job.id === id));
}

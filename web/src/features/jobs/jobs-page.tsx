import { Outlet, useParams } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../components/button";
import { PageHead } from "../../components/page-head";
import { EnqueueDialog } from "./enqueue-dialog";
import { JobList, JobListHead } from "./job-list";
import css from "./jobs-page.module.css";
import { useBeside } from "./use-beside";

/** The list, and the job that the address names: beside it, or in its place on a narrow page. */
export function JobsPage() {
  const chosen = useParams({ strict: false }).id;
  const beside = useBeside();
  const [adding, setAdding] = useState(false);
  const alone = chosen !== undefined && !beside;
  useReturn(chosen, alone);
  const enqueue = (
    <Button look="primary" onClick={() => setAdding(true)}>
      Enqueue job
    </Button>
  );
  return (
    <>
      <div className={css.head} hidden={alone}>
        <PageHead
          title="Jobs"
          tab={chosen && `Job ${chosen}`}
          lead="Every step of the pipeline, newest first"
          actions={enqueue}
        />
        <JobListHead />
      </div>
      <div className={css.page} data-chosen={chosen !== undefined}>
        <div className={css.list} hidden={alone}>
          <JobList />
        </div>
        <Outlet />
      </div>
      {adding && <EnqueueDialog onClose={() => setAdding(false)} />}
    </>
  );
}

/** Goes back to the row and to the place in the list from which a job was opened. */
function useReturn(chosen: string | undefined, alone: boolean): void {
  const place = useRef(0);
  const last = useRef<{ id: string; alone: boolean } | null>(null);

  useEffect(() => {
    if (chosen !== undefined) return;
    const note = () => {
      place.current = window.scrollY;
    };
    window.addEventListener("scroll", note, { passive: true });
    return () => window.removeEventListener("scroll", note);
  }, [chosen]);

  useLayoutEffect(() => {
    if (chosen !== undefined) {
      last.current = { id: chosen, alone };
      return;
    }
    const left = last.current;
    last.current = null;
    if (!left) return;
    if (left.alone) window.scrollTo(0, place.current);
    const row = document.querySelector<HTMLElement>(`[data-job="${CSS.escape(left.id)}"]`);
    row?.focus({ preventScroll: true });
  }, [chosen, alone]);
}

import { Outlet, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "../../components/button";
import { PageHead } from "../../components/page-head";
import { EnqueueDialog } from "./enqueue-dialog";
import { JobList } from "./job-list";
import css from "./jobs-page.module.css";

/** The list, and beside it the job that the address names. */
export function JobsPage() {
  const chosen = useParams({ strict: false }).id;
  const [adding, setAdding] = useState(false);
  const enqueue = (
    <Button look="primary" onClick={() => setAdding(true)}>
      Enqueue job
    </Button>
  );
  return (
    <>
      <PageHead title="Jobs" lead="Every step of the pipeline, newest first" actions={enqueue} />
      <div className={css.page} data-chosen={chosen !== undefined}>
        <JobList />
        <Outlet />
      </div>
      {adding && <EnqueueDialog onClose={() => setAdding(false)} />}
    </>
  );
}

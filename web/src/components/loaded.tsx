import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { describe } from "../api/problem";
import { Button } from "./button";
import { Failure } from "./failure";
import css from "./failure.module.css";
import { Skeleton } from "./skeleton";
import { Timestamp } from "./timestamp";

type Result<T> = Pick<
  UseQueryResult<T>,
  "data" | "error" | "refetch" | "dataUpdatedAt" | "isFetching"
>;

interface LoadedProps<T> {
  query: Result<T>;
  /** What it is, as in "Loading jobs…". */
  label: string;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** The answer to a query, or the reason for having none; an old answer stays, with its age. */
export function Loaded<T>({ query, label, rows, children }: LoadedProps<T>) {
  const again = () => void query.refetch();
  if (query.data === undefined) {
    if (query.error) return <Failure error={query.error} onRetry={again} />;
    return <Skeleton label={label} rows={rows} />;
  }
  return (
    <>
      {query.error && (
        <div className={`${css.failure} ${css.stale}`} role="status">
          <p>
            <strong>{describe(query.error).title}.</strong> This is how it was{" "}
            <Timestamp at={new Date(query.dataUpdatedAt).toISOString()} />.
          </p>
          <Button onClick={again} disabled={query.isFetching}>
            Try again
          </Button>
        </div>
      )}
      {children(query.data)}
    </>
  );
}

import type { ErrorComponentProps } from "@tanstack/react-router";
import { Failure } from "../components/failure";

export function PageError({ error, reset }: ErrorComponentProps) {
  return <Failure error={error} onRetry={reset} />;
}

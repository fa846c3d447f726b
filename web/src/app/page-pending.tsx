import { Skeleton } from "../components/skeleton";

export function PagePending() {
  return <Skeleton label="page" rows={5} />;
}

import { Link } from "@tanstack/react-router";
import { Empty } from "../components/empty";
import { PageHead } from "../components/page-head";

export function NotFound() {
  return (
    <>
      <PageHead title="No such page" />
      <Empty title="There is nothing at this address.">
        <Link to="/">Go to the overview</Link>
      </Empty>
    </>
  );
}

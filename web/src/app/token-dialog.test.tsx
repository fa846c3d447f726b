import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { token, tokenNeeded } from "../api/token";
import { answer, problem } from "../testing/api";
import { open } from "../testing/page";

afterEach(() => {
  token.set(null);
  tokenNeeded.set(false);
});

test("a refused page asks for a token, keeps it for the tab and sends it", async () => {
  const page = { items: [], next_cursor: null };
  const guarded = ({ headers }: { headers: Headers }) =>
    headers.get("Authorization") === "Bearer secret"
      ? Response.json(page)
      : problem(401, { title: "A valid token is needed", detail: "send a token" });
  const paths = ["/api/workers", "/api/schedules", "/api/limits", "/api/queues", "/api/notices"];
  answer(Object.fromEntries(paths.map((path) => [`GET ${path}`, guarded])));
  open("/system");

  fireEvent.change(await screen.findByLabelText("Token"), { target: { value: "secret" } });
  fireEvent.click(screen.getByText("Use token"));

  expect(await screen.findByText("No worker runs.")).toBeTruthy();
  await waitFor(() => expect(screen.queryByLabelText("Token")).toBeNull());
  expect(sessionStorage.getItem("bellwether.token")).toBe("secret");
});

import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { askingForToken, token, tokenNeeded } from "../api/token";
import { type Asked, answer, problem } from "../testing/api";
import { open } from "../testing/page";

afterEach(() => {
  token.set(null);
  tokenNeeded.set(false);
  askingForToken.set(false);
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

test("a request that was sent before the token, and is refused after it, asks for no other", async () => {
  const page = { items: [], next_cursor: null };
  const refusal = () => problem(401, { title: "A valid token is needed", detail: "send a token" });
  const known = ({ headers }: { headers: Headers }) =>
    headers.get("Authorization") === "Bearer secret";
  let answerLate = (_: Response) => {};
  const late = new Promise<Response>((resolve) => {
    answerLate = resolve;
  });
  const asked = answer({
    "GET /api/notices": (each: Asked) => (known(each) ? Response.json(page) : refusal()),
    "GET /api/limits": (each: Asked) => (known(each) ? Response.json(page) : late),
  });
  open("/limits");
  const sent = () => asked.filter(({ path }) => path === "/api/limits");
  await waitFor(() => expect(sent().map(known)).toEqual([false]));

  fireEvent.change(await screen.findByLabelText("Token"), { target: { value: "secret" } });
  fireEvent.click(screen.getByText("Use token"));
  await waitFor(() => expect(sent().map(known)).toEqual([false, true]));
  const refused = refusal();
  const read = vi.spyOn(refused, "text");
  answerLate(refused);

  // the client looks at the status before it reads the body
  await waitFor(() => expect(read).toHaveBeenCalled());
  expect(screen.queryByLabelText("Token")).toBeNull();
  expect(tokenNeeded.get()).toBe(false);
});

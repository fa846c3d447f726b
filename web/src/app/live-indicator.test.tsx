import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test } from "vitest";
import { liveStatus, pausedByHand } from "../lib/live";
import { LiveIndicator } from "./live-indicator";

afterEach(() => {
  liveStatus.set("connecting");
  pausedByHand.set(false);
});

test("the indicator is called by the word that it shows, and by what a click does", async () => {
  liveStatus.set("live");
  render(<LiveIndicator />);
  const button = screen.getByRole("button", { name: "Live: pause updates" });
  expect(button.textContent).toBe("Live");
  expect(screen.getByRole("status").textContent).toBe("Live");
  await userEvent.click(button);
  expect(pausedByHand.get()).toBe(true);
  expect(screen.getByRole("button", { name: /resume updates$/ })).toBe(button);
});

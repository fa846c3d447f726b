import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

configure({ asyncUtilTimeout: 10_000 });

// a wide page; narrow ones are tried in a browser
window.matchMedia = (media) =>
  Object.assign(new EventTarget(), { matches: true, media, onchange: null }) as MediaQueryList;

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});

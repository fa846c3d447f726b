import { type ComponentType, use } from "react";

const lost = new WeakSet<object>();

/** True for the error of a page whose code could not be loaded. */
export function isLost(error: unknown): boolean {
  return typeof error === "object" && error !== null && lost.has(error);
}

/** A page whose code is loaded when it is first visited, or when a pointer is over its link. */
export function lazyPage(load: () => Promise<ComponentType>) {
  let loading: Promise<ComponentType> | undefined;
  const code = () => {
    loading ??= load().catch((error: unknown) => {
      if (typeof error === "object" && error !== null) lost.add(error);
      throw error;
    });
    return loading;
  };
  function Page() {
    const Loaded = use(code());
    return <Loaded />;
  }
  // the page itself shows a failure; a preload by a passing pointer does not
  Page.preload = () =>
    code().then(
      () => {},
      () => {},
    );
  return Page;
}

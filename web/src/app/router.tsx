import {
  createRootRoute,
  createRoute,
  createRouter,
  type RouterHistory,
} from "@tanstack/react-router";
import { readAlertsSearch } from "../features/alerts/search";
import { readJobsSearch } from "../features/jobs/search";
import { readLimitsSearch } from "../features/limits/search";
import { OverviewPage } from "../features/overview/overview-page";
import { readOverviewSearch } from "../features/overview/search";
import { readSystemSearch } from "../features/system/search";
import { lazyPage } from "./lazy-page";
import { NotFound } from "./not-found";
import { PageError } from "./page-error";
import { PagePending } from "./page-pending";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

// Every page of the product, in the order of the menu. Overview belongs to the shell; the others
// are loaded when they are first visited.

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readOverviewSearch,
  component: OverviewPage,
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: readAlertsSearch,
  component: lazyPage(() =>
    import("../features/alerts/alerts-page").then((code) => code.AlertsPage),
  ),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: readJobsSearch,
  component: lazyPage(() => import("../features/jobs/jobs-page").then((code) => code.JobsPage)),
});

const job = createRoute({
  getParentRoute: () => jobs,
  path: "$id",
  component: lazyPage(() => import("../features/jobs/job-panel").then((code) => code.JobPanel)),
});

const limits = createRoute({
  getParentRoute: () => root,
  path: "/limits",
  validateSearch: readLimitsSearch,
  component: lazyPage(() =>
    import("../features/limits/limits-page").then((code) => code.LimitsPage),
  ),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  validateSearch: readSystemSearch,
  component: lazyPage(() =>
    import("../features/system/system-page").then((code) => code.SystemPage),
  ),
});

const routeTree = root.addChildren([overview, alerts, jobs.addChildren([job]), limits, system]);

/** Search parameters are plain text, so that an address can be read and written by hand. */
export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    ...(history && { history }),
    routeTree,
    defaultPreload: "intent",
    defaultPendingComponent: PagePending,
    defaultErrorComponent: PageError,
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const given = Object.entries(search).filter(
        ([, value]) => value !== undefined && value !== "",
      );
      const text = new URLSearchParams(
        given.map(([name, value]) => [name, String(value)]),
      ).toString();
      return text && `?${text}`;
    },
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

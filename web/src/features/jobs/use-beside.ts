import { useMedia } from "../../lib/use-media";

/** True if list and job fit beside each other, as jobs-page.module.css lays them out. */
export function useBeside(): boolean {
  return useMedia("(min-width: 64.01rem)");
}

import { useState } from "react";
import { Button } from "../../components/button";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import { CommandDialog } from "./command-dialog";
import { CountDialog } from "./count-dialog";
import { HoldDialog } from "./hold-dialog";
import css from "./limit-actions.module.css";
import { Until } from "./moments";
import { type Limit, standingOf } from "./standing";

type Asking = "park" | "resume" | "trip" | "reset" | "count";

/** State of the key, and the commands of an operator; each asks first. */
export function LimitActions({ limit }: { limit: Limit }) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const present = useStore(now);
  const { word, tone, until, why } = standingOf(limit, present);
  const parked = limit.parked_until != null && Date.parse(limit.parked_until) > present;
  const tripped = limit.breaker != null && limit.breaker.state !== "closed";
  const close = () => setAsking(null);
  return (
    <div className={css.actions}>
      {tone !== "good" && (
        <p className={css.standing} style={{ "--tone": `var(--${tone})` }}>
          <strong>
            {word}
            {until && (
              <>
                {" "}
                <Until at={until} />
              </>
            )}
          </strong>
          {why && <>: {why}</>}
        </p>
      )}
      <div className={css.buttons}>
        {parked ? (
          <Button look="primary" onClick={() => setAsking("resume")}>
            Resume
          </Button>
        ) : (
          <Button onClick={() => setAsking("park")}>Park</Button>
        )}
        {tripped ? (
          <Button onClick={() => setAsking("reset")}>Reset breaker</Button>
        ) : (
          <Button onClick={() => setAsking("trip")}>Trip breaker</Button>
        )}
        <Button onClick={() => setAsking("count")}>Count calls made elsewhere</Button>
      </div>
      {(asking === "park" || asking === "trip") && (
        <HoldDialog limit={limit} way={asking} onClose={close} />
      )}
      {asking === "resume" && (
        <CommandDialog
          limit={limit}
          title={`Resume ${limit.key}?`}
          action="Resume"
          command={{ do: "resume" }}
          onClose={close}
        >
          {limit.parked_why
            ? `It is parked because: ${limit.parked_why}. It is asked again at once; a provider that still refuses parks it again.`
            : "It is asked again at once; a provider that still refuses parks it again."}
        </CommandDialog>
      )}
      {asking === "reset" && (
        <CommandDialog
          limit={limit}
          title={`Reset the breaker of ${limit.key}?`}
          action="Reset"
          command={{ do: "reset" }}
          onClose={close}
        >
          Calls go out again without a probe, and failures are counted from zero.
        </CommandDialog>
      )}
      {asking === "count" && <CountDialog limit={limit} onClose={close} />}
    </div>
  );
}

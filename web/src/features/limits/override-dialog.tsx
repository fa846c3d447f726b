import { useState } from "react";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Field } from "../../components/field";
import { parseDollars } from "../../lib/numbers";
import { CommandDialog } from "./command-dialog";
import css from "./command-dialog.module.css";
import { ReasonField, SpanField, said } from "./hold-fields";
import { useLimitCommand } from "./queries";
import { amountOf, type Limit, type LimitWindow, windowName } from "./standing";

interface OverrideDialogProps {
  limit: Limit;
  window: LimitWindow;
  onClose: () => void;
}

/** Another amount for one window, for a while; after that the own amount holds again. */
export function OverrideDialog({ limit, window, onClose }: OverrideDialogProps) {
  const { no, dimension, amount, base_amount, override_until } = window;
  const money = dimension === "money";
  const [typed, setTyped] = useState(money ? String(amount / 1e6) : String(amount));
  const [seconds, setSeconds] = useState(3600);
  const [reason, setReason] = useState("");
  const end = useLimitCommand(limit.key);
  const wanted = readAmount(typed, money);
  const own = `its own amount is ${amountOf(window, base_amount)}`;
  return (
    <CommandDialog
      limit={limit}
      title={`Override ${windowName(window)}?`}
      action="Override"
      command={
        wanted === null
          ? null
          : {
              do: "override",
              body: {
                windows: [{ no, amount: wanted }],
                for_seconds: seconds,
                ...said(reason),
              },
            }
      }
      onClose={onClose}
    >
      <p>
        More than the provider allows makes it refuse calls, and then the key is parked. Less takes
        effect for what is granted from now on.
      </p>
      <div className={css.row}>
        <Field
          label={money ? "Dollars" : `${dimension.charAt(0).toUpperCase()}${dimension.slice(1)}`}
          hint={own}
          error={wanted === null ? `A whole number from 0; ${own}.` : null}
        >
          {(attributes) => (
            <input
              {...attributes}
              inputMode="decimal"
              value={typed}
              onChange={({ target }) => setTyped(target.value)}
            />
          )}
        </Field>
        <SpanField value={seconds} onChange={setSeconds} />
      </div>
      <ReasonField value={reason} onChange={setReason} />
      {override_until != null && (
        <p>
          <Button
            disabled={end.isPending}
            onClick={() =>
              end.mutate(
                {
                  do: "override",
                  body: { windows: [{ no, amount: null }], ...said(reason) },
                },
                { onSuccess: onClose },
              )
            }
          >
            End the present override
          </Button>
        </p>
      )}
      {end.error && <Failure error={end.error} />}
    </CommandDialog>
  );
}

function readAmount(typed: string, money: boolean): number | null {
  if (money) return parseDollars(typed);
  const plain = typed.trim().replaceAll(",", "");
  return /^\d{1,12}$/.test(plain) ? Number(plain) : null;
}

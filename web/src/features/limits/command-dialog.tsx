import type { FormEvent, ReactNode } from "react";
import { ApiProblem } from "../../api/problem";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Modal } from "../../components/modal";
import { ModalActions } from "../../components/modal-actions";
import css from "./command-dialog.module.css";
import { type LimitCommand, useLimitCommand } from "./queries";
import type { Limit } from "./standing";

interface CommandDialogProps {
  limit: Limit;
  title: string;
  /** What its button says. */
  action: string;
  /** `null` while what was put in makes none. */
  command: LimitCommand | null;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before a command on a key; stays open with the reason if it is refused. */
export function CommandDialog(props: CommandDialogProps) {
  const { limit, title, action, command, onClose, children } = props;
  const tell = useLimitCommand(limit.key);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (command) tell.mutate(command, { onSuccess: onClose });
  };
  const forbidden = tell.error instanceof ApiProblem && tell.error.status === 403;
  return (
    <Modal title={title} onClose={onClose}>
      <form onSubmit={submit} className={css.form}>
        {typeof children === "string" ? <p>{children}</p> : children}
        {tell.error && <Failure error={tell.error} />}
        {forbidden && <p className="muted">The token of this tab may look, not act.</p>}
        <ModalActions>
          <Button onClick={onClose}>Leave it</Button>
          <Button type="submit" look="primary" disabled={!command || tell.isPending}>
            {tell.isPending ? "Asking…" : action}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { askingForToken, keepToken, token } from "../api/token";
import { Button } from "../components/button";
import { Field } from "../components/field";
import { Modal } from "../components/modal";
import { ModalActions } from "../components/modal-actions";
import { useStore } from "../lib/store";

/** Asks for a token once the API has refused a request. */
export function TokenDialog() {
  return useStore(askingForToken) ? <TokenForm /> : null;
}

function TokenForm() {
  const client = useQueryClient();
  const refused = useStore(token) !== null;
  const [value, setValue] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    keepToken(value.trim());
    // a first request on its way carries no token or the old one: it is given up, not waited for
    void client.cancelQueries().then(() => client.invalidateQueries());
  };

  return (
    <Modal title="A token is needed" onClose={() => askingForToken.set(false)}>
      <p>This server answers only requests with one of its tokens. The token stays in this tab.</p>
      <form onSubmit={submit}>
        <Field
          label="Token"
          hint="Without its role: the part after viewer:, operator: or admin:."
          error={refused ? "The server does not know the token that was given." : null}
        >
          {(attributes) => (
            <input
              {...attributes}
              type="password"
              autoComplete="off"
              required
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        <ModalActions>
          <Button type="submit" look="primary" disabled={!value.trim()}>
            Use token
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { askingForToken, forgetToken, token, tokenNeeded } from "../api/token";
import { Button } from "../components/button";
import { useStore } from "../lib/store";

/** Signs in and out; nothing where the server wants no token. */
export function Session() {
  const client = useQueryClient();
  const needed = useStore(tokenNeeded);
  const present = useStore(token);
  if (needed) {
    return (
      <Button look="primary" onClick={() => askingForToken.set(true)}>
        Sign in
      </Button>
    );
  }
  if (!present) return null;
  const signOut = () => {
    forgetToken();
    // what the token let in goes with it, and the next answer asks for another one
    void client.resetQueries();
  };
  return (
    <Button look="quiet" onClick={signOut} title="Forgets the token of this tab">
      Sign out
    </Button>
  );
}

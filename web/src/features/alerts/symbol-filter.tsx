import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button";
import css from "./symbol-filter.module.css";

const route = getRouteApi("/alerts");

export function SymbolFilter({ symbol }: { symbol: string }) {
  const navigate = route.useNavigate();
  const [value, setValue] = useState(symbol);
  const show = (next: string) =>
    void navigate({ search: (previous) => ({ ...previous, symbol: next || undefined }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    show(value.trim().toUpperCase());
  };
  return (
    <form onSubmit={submit} className={css.filter}>
      <input
        aria-label="Symbol"
        placeholder="Symbol"
        value={value}
        onChange={(event) => setValue(event.target.value)}
        autoCapitalize="characters"
        spellCheck={false}
      />
      <Button type="submit">Show</Button>
      {symbol && (
        <Button look="quiet" onClick={() => show("")}>
          All
        </Button>
      )}
    </form>
  );
}

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data } from "../../api/client";
import { Button } from "../../components/button";
import { CalledFor } from "../../components/called-for";
import { Failure } from "../../components/failure";
import css from "./add-symbol.module.css";

/** Adds a symbol to the watchlist; its first prices and news are fetched at once. */
export function AddSymbol() {
  const [value, setValue] = useState("");
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (symbol: string) => data(api.POST("/api/watchlist", { body: { symbol } })),
    onSuccess: () => {
      setValue("");
      return Promise.all(
        ["watchlist", "jobs"].map((name) => client.invalidateQueries({ queryKey: [name] })),
      );
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(value.trim().toUpperCase());
  };
  return (
    <form onSubmit={submit} className={css.form}>
      <input
        aria-label="Symbol to add"
        placeholder="Symbol"
        value={value}
        onChange={(event) => setValue(event.target.value)}
        autoCapitalize="characters"
        spellCheck={false}
        required
      />
      <Button type="submit" disabled={add.isPending}>
        {add.isPending ? "Adding…" : "Add symbol"}
      </Button>
      {add.data && add.data.jobs.length > 0 && <CalledFor jobs={add.data.jobs} />}
      {add.data?.jobs.length === 0 && <p role="status">{add.data.symbol} is watched already.</p>}
      {add.error && <Failure error={add.error} />}
    </form>
  );
}

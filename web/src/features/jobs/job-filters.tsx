import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Button } from "../../components/button";
import { Field } from "../../components/field";
import css from "./job-filters.module.css";
import type { JobsSearch } from "./search";

const route = getRouteApi("/jobs");

/** How long typing may rest before the list follows. */
const SETTLE_MS = 300;

interface JobFiltersProps {
  search: JobsSearch;
  queues: readonly string[];
  kinds: readonly string[];
}

/** The filters beside the state; all of them live in the address. */
export function JobFilters({ search, queues, kinds }: JobFiltersProps) {
  const navigate = route.useNavigate();
  const show = (change: JobsSearch) =>
    void navigate({
      to: ".",
      search: (previous) => ({ ...previous, ...change }),
      replace: true,
      resetScroll: false,
    });
  const others = [search.kind, search.queue, search.tag, search.q];
  return (
    <search className={css.filters}>
      <Choice
        label="Kind"
        value={search.kind}
        options={kinds}
        onChange={(kind) => show({ kind })}
      />
      <Choice
        label="Queue"
        value={search.queue}
        options={queues}
        onChange={(queue) => show({ queue })}
      />
      <Text label="Tag" value={search.tag} onChange={(tag) => show({ tag })} />
      <Text
        label="Text"
        value={search.q}
        placeholder="in arguments, key or error"
        onChange={(q) => show({ q })}
      />
      {others.some(Boolean) && (
        <Button
          look="quiet"
          onClick={() => show({ kind: undefined, queue: undefined, tag: undefined, q: undefined })}
        >
          Clear
        </Button>
      )}
    </search>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  options: readonly string[];
  onChange: (value: string | undefined) => void;
}

function Choice({ label, value = "", options, onChange }: ChoiceProps) {
  // an address may name a queue or kind that no longer exists
  const all = value && !options.includes(value) ? [...options, value] : options;
  return (
    <Field label={label}>
      {(attributes) => (
        <select
          {...attributes}
          value={value}
          onChange={(event) => onChange(event.target.value || undefined)}
        >
          <option value="">any</option>
          {all.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface TextProps {
  label: string;
  value: string | undefined;
  placeholder?: string;
  onChange: (value: string | undefined) => void;
}

function Text({ label, value = "", placeholder, onChange }: TextProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the clock
  useEffect(() => {
    if (typed.trim() === value) return;
    const settle = setTimeout(() => onChange(typed.trim() || undefined), SETTLE_MS);
    return () => clearTimeout(settle);
  }, [typed]);
  return (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          type="search"
          placeholder={placeholder}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
    </Field>
  );
}

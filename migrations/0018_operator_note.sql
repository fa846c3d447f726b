-- A row is something only an operator can mend, e.g. a key that a provider
-- refuses. It is told once, however often it happens, until it is cleared.
create table operator_note (
    key          text        not null,  -- what is concerned, mostly a limit key
    reason       text        not null,  -- bad_key, not_entitled, model_gone, …
    detail       text        not null,  -- the last error, redacted by the writer
    first_at     timestamptz not null default clock_timestamp(),
    last_at      timestamptz not null default clock_timestamp(),
    count        bigint      not null default 1,
    parked_until timestamptz,           -- the end of the park that the key was given for it
    credential   text,                  -- a mark of the refused credential: a salt and a digest under it

    constraint operator_note_pk primary key (key, reason),
    constraint operator_note_count_is_positive check (count > 0)
);

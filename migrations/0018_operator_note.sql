-- A row is something only an operator can mend, e.g. a key that a provider
-- refuses. It is told once, however often it happens, until it is cleared.
create table operator_note (
    key      text        not null,  -- what is concerned, mostly a limit key
    reason   text        not null,  -- bad_key, not_entitled, model_gone, …
    detail   text        not null,  -- the last words on it, redacted by whoever writes it
    first_at timestamptz not null default clock_timestamp(),
    last_at  timestamptz not null default clock_timestamp(),
    count    bigint      not null default 1,

    constraint operator_note_pk primary key (key, reason),
    constraint operator_note_count_is_positive check (count > 0)
);

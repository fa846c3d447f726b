-- A row says how far pruning has come: what one run may remove depends on the run before it, so that a
-- clock that is wrong for a while does not remove everything.
create table prune (
    one      boolean     not null default true,
    through  timestamptz not null default clock_timestamp(),  -- the present that the last whole run went by
    ended_at timestamptz not null default clock_timestamp(),  -- when it ended; at first, when the schema was made

    constraint prune_pk primary key (one),
    constraint prune_is_one_row check (one)
);
insert into prune default values;

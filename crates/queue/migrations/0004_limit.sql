-- A limit key is one quota, counted as its provider counts. Claims lock the row while they grant permits.
create table queue.limit_key (
    id           integer     generated always as identity primary key,
    name         text        not null unique check (length(name) between 1 and 120),
    counts       text        not null check (counts in (
        'start',  -- a call counts from its grant, for the period and the guard
        'finish'  -- a call counts while it is in flight, and for the period after its end
    )),
    guard        interval    not null default '0',  -- added to each period of a key that counts from the start
    in_flight    integer     check (in_flight > 0),  -- most calls in flight
    parked_until timestamptz,
    parked_why   text,
    created_at   timestamptz not null default clock_timestamp(),
    parent       integer     references queue.limit_key check (parent <> id),  -- a call needs capacity of both keys
    share        float8      not null default 0 check (share >= 0 and share < 1),  -- part of each window that is reserved for urgent jobs
    urgent       smallint    not null default 0 check (urgent between 0 and 9),  -- the last urgent priority
    call_timeout interval    not null default '1 minute',  -- longest time that a call can be under way after it was sent
    -- the breaker
    trip_after   smallint    check (trip_after > 0),  -- faults in a row that open it; null: it opens by hand only
    cooldown     interval    not null default '30 seconds',  -- doubles with each failed probe, up to cooldown_max
    cooldown_max interval    not null default '15 minutes',
    faults       integer     not null default 0,  -- in a row, as of the last fold
    opened       smallint    not null default 0,  -- times in a row
    open_until   timestamptz,  -- null: closed; in the past: half open, one call at a time is allowed
    closed_until timestamptz   -- a hint, read without a lock: until then its windows of requests are full, whatever calls end
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);

create index limit_key_parent on queue.limit_key (parent) where parent is not null;

-- At most `amount` in any `period`, or in each unit of a calendar.
create table queue.limit_window (
    key             integer  not null references queue.limit_key on delete cascade,
    no              smallint not null,
    dimension       text     not null check (dimension in (
        'requests', 'tokens',
        'money'  -- in millionths of a US dollar
    )),
    amount          bigint   not null check (amount > 0),
    period          interval check (extract(day from period) = 0 and extract(month from period) = 0 and period > '0'),  -- hours, never days: a day is 23 or 25 of them when clocks change
    calendar        text     check (calendar in ('minute', 'hour', 'day', 'month')),
    zone            text,  -- time zone of the calendar
    override_amount bigint   check (override_amount >= 0),
    override_until  timestamptz,

    primary key (key, no),
    constraint limit_window_span check (num_nonnulls(period, calendar) = 1 and (calendar is null) = (zone is null)),
    constraint limit_window_override check ((override_amount is null) = (override_until is null))
);

-- The keys that may serve a lane, in order of preference.
create table queue.lane_key (
    lane     integer  not null references queue.lane on delete cascade,
    position smallint not null,
    key      integer  not null references queue.limit_key,
    fallback_after interval,  -- the next key serves if a permit of this one is later than this; null: never
    requests integer  not null default 1 check (requests > 0),  -- calls that a job makes: it is claimed once all of them fit
    tokens   bigint   not null default 0 check (tokens >= 0),   -- reserved for each call: an upper bound
    micros   bigint   not null default 0 check (micros >= 0),

    primary key (lane, position)
);

create index lane_key_key on queue.lane_key (key);

-- The ledger. Each row adds to its key's running totals, so the usage of a window is the difference of two
-- totals: exact for every window, whatever its length. `at` and the totals rise together.
create table queue.permit_grant (
    key          integer     not null,
    at           timestamptz not null,
    kind         text        not null check (kind in (
        'grant',       -- a claim or an exchange took permits
        'settlement',  -- a call of a key that counts from the finish has ended
        'external'     -- usage outside of the queue, or reported by the provider
    )),
    requests     integer     not null check (requests >= 0),
    cum_requests bigint      not null,
    tokens       bigint      not null default 0 check (tokens >= 0),
    micros       bigint      not null default 0 check (micros >= 0),
    cum_tokens   bigint      not null default 0,
    cum_micros   bigint      not null default 0,

    primary key (key, at)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

create index permit_grant_external on queue.permit_grant (key, at) where kind = 'external';

-- Settlement: an ended call with its actual usage, not yet folded into the ledger. Written without locking
-- the key. The call of a process that died may still be under way: its row is dated to the time when it no
-- longer can be, and until then it counts as in flight and is not folded.
create table queue.settlement (
    id       bigint      generated always as identity primary key,
    key      integer     not null,
    at       timestamptz not null default clock_timestamp(),
    requests integer     not null check (requests >= 0),
    tokens   bigint      not null default 0 check (tokens >= 0),
    micros   bigint      not null default 0 check (micros >= 0),
    calls    bigint      not null default 1,  -- calls that ended together: one verdict for all, ok if one of them was
    verdict  text        check (verdict in ('ok', 'fault')),  -- for the breaker; null: no call was made, or its result is unknown
    probe    boolean     not null default false,
    added_in bigint      not null default pg_current_xact_id()::text::bigint  -- the transaction that ended the call
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index settlement_key on queue.settlement (key, added_in);

-- Where to begin to read the calls of a key: no row of an older transaction exists or can still appear. While
-- another transaction holds an old snapshot, index entries of ended calls cannot be removed, and a claim would
-- walk over all of them while it holds the key. One row, read in the snapshot of the calls themselves.
create table queue.call_mark (
    running    bigint      not null,
    settlement bigint      not null,
    moved_at   timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_cost_delay = 0);

insert into queue.call_mark values (0, 0, 'epoch');

-- A row is one round of asking: which symbols one scrape_batch job chose, and why.
create table batch (
    id           bigint      not null generated always as identity,
    job          bigint,                   -- the job that made it; no foreign key, jobs are pruned earlier
    reason       text        not null,     -- schedule, request, start, … as the caller named it
    symbols      text[]      not null,     -- in the order in which they were chosen, stalest first
    requested_at timestamptz not null default clock_timestamp(),

    constraint batch_pk primary key (id),
    constraint batch_once_per_job unique (job)
);

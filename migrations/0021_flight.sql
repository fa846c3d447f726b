-- A row is the lease on one story of the job that is asking an analyzer about it now. A job with another
-- article of the story waits for the answer instead of asking again. The row of a worker that died
-- expires at `until`.
create table flight (
    cluster_id bigint      not null,
    analyzer   text        not null,
    job        bigint      not null,  -- the job that asks; no foreign key, jobs live in another schema
    until      timestamptz not null,  -- from then on another job may ask

    constraint flight_pk primary key (cluster_id, analyzer),
    constraint flight_cluster_fk foreign key (cluster_id) references cluster on delete cascade
);

-- A row is one question to an analyzer about one story that is being asked now. Whoever comes with
-- an article of the same story waits for its answer instead of asking again. A row that nobody
-- removed, because its worker died, is over at its time.
create table flight (
    cluster_id bigint      not null,
    analyzer   text        not null,
    job        bigint      not null,  -- who asks; no foreign key, jobs live elsewhere
    until      timestamptz not null,  -- from when on another may ask

    constraint flight_pk primary key (cluster_id, analyzer),
    constraint flight_cluster_fk foreign key (cluster_id) references cluster on delete cascade
);

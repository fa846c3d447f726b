-- A row is one story, however many outlets carry it. It counts once in every
-- score, and one article of it is sent to the model.
create table cluster (
    id                 bigint      not null generated always as identity,
    first_published_at timestamptz not null,  -- the earliest among its articles; its age runs from here
    representative     bigint,                -- the article that is analysed; null only while it is being added
    event_type         text,                  -- null until an analyzer has said

    constraint cluster_pk primary key (id),
    constraint cluster_event_type_is_known check (event_type in (
        'earnings',    -- results of a period
        'guidance',    -- the company's own outlook
        'm&a',         -- mergers, acquisitions, disposals
        'legal',       -- courts, regulators, probes
        'product',     -- launches, recalls, approvals
        'macro',       -- rates, tariffs, the economy
        'analyst',     -- ratings and price targets
        'management',  -- people at the top
        'capital',     -- dividends, buybacks, debt, new shares
        'other'        -- none of these; never counted as a repetition
    ))
);

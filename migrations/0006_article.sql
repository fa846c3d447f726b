-- A row is one article at one address, as it was when it was first seen. An
-- article about several shares is stored once and linked to each of them.
create table article (
    id            bigint      not null generated always as identity,
    canonical_url text        not null,   -- without tracking, amp and mobile parts: the article's identity
    url           text        not null,   -- as the provider gave it, for people to open
    title         text        not null,
    description   text,
    content       text,
    source        text        not null,   -- the outlet; providers carry many
    provider      text        not null,   -- who told us
    language      text,                   -- ISO 639-1; null when the provider does not say
    published_at  timestamptz not null,   -- the provider's word
    first_seen_at timestamptz not null default clock_timestamp(),
    -- from when on a decision may use it: nothing may look ahead of this
    available_at  timestamptz not null generated always as (greatest(published_at, first_seen_at)) stored,
    cluster_id    bigint      not null,
    fingerprint   jsonb       not null,   -- what the clustering compares
    simhash       bigint      not null,   -- 64 bits over the words of title and opening
    title_hash    text        not null,   -- of the title without case and punctuation
    flags         text[]      not null default '{}',  -- what cleaning found: zero_width, bidi, html, …

    constraint article_pk primary key (id),
    constraint article_once_per_address unique (canonical_url),
    constraint article_cluster_fk foreign key (cluster_id) references cluster
);

-- the articles of a story
create index article_cluster on article (cluster_id);
-- reprints under the same title
create index article_title on article (title_hash, published_at);
-- newest first, and those that still lack an analysis
create index article_published on article (published_at desc, id desc);

alter table cluster
    add constraint cluster_representative_fk foreign key (representative) references article;

-- which stories an article represents; also what the foreign key looks up
create index cluster_representative on cluster (representative);

-- A row of sentiment also says which reading of its article it took the place of: a better
-- analyzer's, or a newer one by the same rank. Both stay, so it can be seen what the change was.
alter table sentiment
    add column replaces bigint,  -- null: nothing counted before it, or it does not count itself
    add constraint sentiment_replaces_fk foreign key (replaces) references sentiment;

-- what the foreign key looks up
create index sentiment_replaces on sentiment (replaces) where replaces is not null;

-- the reading of each article that counts now: highest rank, then newest
create or replace view sentiment_current as
select distinct on (article_id) *
from sentiment
where score is not null and not ('quarantined' = any (flags))
order by article_id, rank desc, analyzed_at desc, id desc;

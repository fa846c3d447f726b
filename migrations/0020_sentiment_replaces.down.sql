drop view sentiment_current;
alter table sentiment drop column replaces;
create view sentiment_current as
select distinct on (article_id) *
from sentiment
where score is not null and not ('quarantined' = any (flags))
order by article_id, rank desc, analyzed_at desc, id desc;

alter table cluster drop constraint cluster_representative_fk;
drop index cluster_representative;
drop table article;

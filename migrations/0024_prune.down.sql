drop table prune;

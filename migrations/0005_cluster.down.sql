drop table cluster;

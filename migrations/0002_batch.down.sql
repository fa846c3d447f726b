drop table batch;

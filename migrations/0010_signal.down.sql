drop table signal;

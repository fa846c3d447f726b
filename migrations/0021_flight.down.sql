drop table flight;

drop table delivery;

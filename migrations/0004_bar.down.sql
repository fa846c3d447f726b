drop view bar_current;
drop table bar;

drop table rule;

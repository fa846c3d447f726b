drop view sentiment_current;
drop table sentiment;

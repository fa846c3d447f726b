drop table article_drop;

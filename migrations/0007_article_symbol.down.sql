drop table article_symbol;

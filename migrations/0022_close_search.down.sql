drop table close_search;

-- A row says that an article concerns a share, and how much.
create table article_symbol (
    article_id   bigint           not null,
    symbol       text             not null,
    relevance    double precision not null,  -- 0 named in passing … 1 its subject; scores count from 0.35
    published_at timestamptz      not null,  -- the article's, which never changes: gives a symbol's news an order

    constraint article_symbol_pk primary key (article_id, symbol),
    constraint article_symbol_article_fk foreign key (article_id) references article on delete cascade,
    constraint article_symbol_symbol_fk foreign key (symbol) references instrument,
    constraint article_symbol_relevance_in_range check (relevance between 0 and 1)
);

-- a symbol's news, newest first, and the stories that may count in its score
create index article_symbol_news on article_symbol (symbol, published_at desc, article_id desc);

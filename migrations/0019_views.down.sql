drop view alerts, trading_signals, sentiment_analysis, news_articles, market_data;

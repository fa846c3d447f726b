//! The companies of the sandbox; any other symbol is unknown to every provider.

pub(crate) struct Company {
    pub(crate) symbol: &'static str,
    /// Name as in headlines.
    pub(crate) name: &'static str,
    pub(crate) legal: &'static str,
    exchange: Exchange,
    /// Price at the start of the world's history.
    pub(crate) base: f64,
    /// Volatility of a year.
    pub(crate) volatility: f64,
    /// Shares of a usual day, in millions.
    pub(crate) volume: f64,
    pub(crate) product: &'static str,
    /// True if it has several stories every day.
    pub(crate) followed: bool,
    /// Texts that contain the company's name and are about another subject.
    pub(crate) namesakes: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Exchange {
    Nasdaq,
    Nyse,
}

use Exchange::{Nasdaq, Nyse};

impl Company {
    pub(crate) fn listing(&self) -> String {
        let exchange = match self.exchange {
            Nasdaq => "NASDAQ",
            Nyse => "NYSE",
        };
        format!("{} ({exchange}: {})", self.legal, self.symbol)
    }

    const fn followed(mut self, namesakes: &'static [&'static str]) -> Self {
        self.followed = true;
        self.namesakes = namesakes;
        self
    }
}

#[expect(clippy::too_many_arguments, reason = "one call is one row of the table below")]
const fn company(
    symbol: &'static str,
    name: &'static str,
    legal: &'static str,
    exchange: Exchange,
    base: f64,
    volatility: f64,
    volume: f64,
    product: &'static str,
) -> Company {
    Company {
        symbol,
        name,
        legal,
        exchange,
        base,
        volatility,
        volume,
        product,
        followed: false,
        namesakes: &[],
    }
}

#[rustfmt::skip]
pub(crate) static COMPANIES: [Company; 36] = [
    company("AAPL", "Apple", "Apple Inc.", Nasdaq, 190.0, 0.25, 52.0, "iPhone").followed(&[
        "Apple growers in Washington state expect a record harvest",
        "An apple a day: nutritionists weigh in on an old saying",
    ]),
    company("MSFT", "Microsoft", "Microsoft Corporation", Nasdaq, 375.0, 0.23, 22.0, "Azure cloud").followed(&[
        "Retro gaming fair shows off Microsoft-era beige desktop computers",
    ]),
    company("GOOGL", "Alphabet", "Alphabet Inc.", Nasdaq, 140.0, 0.28, 26.0, "Google search").followed(&[
        "Children learn faster with alphabet songs, teachers find",
        "You can google your family tree, but archives know more, historians say",
    ]),
    company("AMZN", "Amazon", "Amazon.com, Inc.", Nasdaq, 150.0, 0.30, 44.0, "AWS").followed(&[
        "Deforestation in the Amazon rainforest slows for a third month",
        "Rangers patrol Amazon river after floods",
    ]),
    company("TSLA", "Tesla", "Tesla, Inc.", Nasdaq, 250.0, 0.55, 95.0, "Model Y").followed(&[
        "Museum switches on its largest Tesla coil for school classes",
        "Letters of Nikola Tesla go on show in Belgrade",
    ]),
    company("NVDA", "Nvidia", "NVIDIA Corporation", Nasdaq, 120.0, 0.50, 210.0, "Blackwell chip"),
    company("META", "Meta", "Meta Platforms, Inc.", Nasdaq, 350.0, 0.35, 15.0, "Instagram"),
    company("GOOG", "Alphabet", "Alphabet Inc.", Nasdaq, 141.0, 0.28, 18.0, "YouTube"),
    company("NFLX", "Netflix", "Netflix, Inc.", Nasdaq, 480.0, 0.36, 4.0, "ad-supported plan"),
    company("AMD", "AMD", "Advanced Micro Devices, Inc.", Nasdaq, 140.0, 0.45, 48.0, "server processor"),
    company("INTC", "Intel", "Intel Corporation", Nasdaq, 48.0, 0.42, 60.0, "foundry"),
    company("CSCO", "Cisco", "Cisco Systems, Inc.", Nasdaq, 50.0, 0.22, 19.0, "network switch"),
    company("ORCL", "Oracle", "Oracle Corporation", Nyse, 105.0, 0.32, 10.0, "database cloud"),
    company("CRM", "Salesforce", "Salesforce, Inc.", Nyse, 260.0, 0.32, 6.0, "Agentforce"),
    company("ADBE", "Adobe", "Adobe Inc.", Nasdaq, 580.0, 0.33, 3.0, "Firefly"),
    company("AVGO", "Broadcom", "Broadcom Inc.", Nasdaq, 110.0, 0.42, 22.0, "custom accelerator"),
    company("QCOM", "Qualcomm", "QUALCOMM Incorporated", Nasdaq, 145.0, 0.34, 8.0, "modem"),
    company("IBM", "IBM", "International Business Machines Corporation", Nyse, 165.0, 0.22, 4.0, "mainframe"),
    company("JPM", "JPMorgan", "JPMorgan Chase & Co.", Nyse, 170.0, 0.22, 9.0, "trading desk"),
    company("BAC", "Bank of America", "Bank of America Corporation", Nyse, 34.0, 0.26, 38.0, "consumer bank"),
    company("GS", "Goldman Sachs", "The Goldman Sachs Group, Inc.", Nyse, 385.0, 0.27, 2.0, "advisory arm"),
    company("V", "Visa", "Visa Inc.", Nyse, 260.0, 0.19, 6.0, "payments network"),
    company("MA", "Mastercard", "Mastercard Incorporated", Nyse, 425.0, 0.20, 3.0, "cross-border network"),
    company("WMT", "Walmart", "Walmart Inc.", Nyse, 55.0, 0.19, 16.0, "grocery business"),
    company("COST", "Costco", "Costco Wholesale Corporation", Nasdaq, 650.0, 0.21, 2.0, "membership"),
    company("HD", "Home Depot", "The Home Depot, Inc.", Nyse, 345.0, 0.22, 3.0, "contractor business"),
    company("DIS", "Disney", "The Walt Disney Company", Nyse, 90.0, 0.29, 10.0, "streaming service"),
    company("KO", "Coca-Cola", "The Coca-Cola Company", Nyse, 59.0, 0.14, 13.0, "zero-sugar cola"),
    company("PEP", "PepsiCo", "PepsiCo, Inc.", Nasdaq, 170.0, 0.16, 5.0, "snack range"),
    company("PFE", "Pfizer", "Pfizer Inc.", Nyse, 29.0, 0.25, 35.0, "cancer drug"),
    company("JNJ", "Johnson & Johnson", "Johnson & Johnson", Nyse, 157.0, 0.16, 7.0, "psoriasis drug"),
    company("UNH", "UnitedHealth", "UnitedHealth Group Incorporated", Nyse, 525.0, 0.28, 4.0, "Optum unit"),
    company("XOM", "Exxon Mobil", "Exxon Mobil Corporation", Nyse, 100.0, 0.24, 15.0, "Guyana field"),
    company("CVX", "Chevron", "Chevron Corporation", Nyse, 149.0, 0.23, 8.0, "Permian output"),
    company("BA", "Boeing", "The Boeing Company", Nyse, 250.0, 0.36, 7.0, "737 MAX"),
    company("SPY", "SPDR S&P 500", "SPDR S&P 500 ETF Trust", Nyse, 472.0, 0.15, 65.0, "index fund"),
];

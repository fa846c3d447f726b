//! Events of companies, in words. `{n}` name, `{p}` product, `{a}` and `{b}` numbers.

/// One kind of story.
pub(crate) struct Phrase {
    pub(crate) event: &'static str,
    /// 1 good, -1 bad, 0 neither.
    pub(crate) sign: i8,
    pub(crate) title: &'static str,
    /// Follows the name of the company and its listing.
    pub(crate) said: &'static str,
}

const fn phrase(event: &'static str, sign: i8, title: &'static str, said: &'static str) -> Phrase {
    Phrase { event, sign, title, said }
}

#[rustfmt::skip]
pub(crate) static PHRASES: [Phrase; 42] = [
    phrase("earnings", 1, "{n} beats quarterly profit estimates by {a}% on strong {p} demand", "reported quarterly profit {a}% above analyst estimates as demand for its {p} stayed strong. Shares rose in late trading."),
    phrase("earnings", 1, "{n} posts record revenue of ${a} billion as {p} sales surge", "posted record quarterly revenue of ${a} billion, helped by a surge in {p} sales. The results topped expectations."),
    phrase("earnings", -1, "{n} misses profit estimates by {a}% as {p} sales fall", "missed quarterly profit estimates by {a}% after {p} sales fell and costs rose. Shares dropped."),
    phrase("earnings", -1, "{n} swings to a loss of ${b} million on weak {p} demand", "swung to a quarterly loss of ${b} million as weak demand for its {p} hurt margins."),
    phrase("earnings", 0, "{n} reports quarterly revenue of ${a} billion, in line with estimates", "reported quarterly revenue of ${a} billion, in line with what analysts had expected."),
    phrase("guidance", 1, "{n} raises full-year outlook by {a}% on {p} growth", "raised its full-year revenue outlook by {a}%, citing faster growth of its {p}."),
    phrase("guidance", 1, "{n} lifts profit forecast after strong start to quarter {a}", "lifted its profit forecast and said orders for its {p} were ahead of plan."),
    phrase("guidance", -1, "{n} cuts annual forecast by {a}%, citing slowing {p} orders", "cut its annual sales forecast by {a}% and warned that {p} orders were slowing."),
    phrase("guidance", -1, "{n} warns of profit shortfall of ${b} million this year", "warned that profit would fall short by ${b} million this year because of weak {p} demand."),
    phrase("guidance", 0, "{n} keeps its outlook for {b} stores and sites unchanged", "kept its full-year outlook unchanged and gave no new targets for its {p}."),
    phrase("analyst", 1, "{n} upgraded to buy, price target raised {a}%", "was upgraded to buy by a broker that raised its price target by {a}%, citing {p} strength."),
    phrase("analyst", 1, "Analysts see {a}% upside for {n} on {p} momentum", "has {a}% upside, analysts wrote, as its {p} gains market share."),
    phrase("analyst", -1, "{n} downgraded to sell on {p} worries, target cut {a}%", "was downgraded to sell by a broker that cut its price target by {a}% over {p} worries."),
    phrase("analyst", -1, "Broker slashes {n} target by {a}% as competition bites", "faces weaker margins as competition in its {p} market bites, a broker wrote."),
    phrase("analyst", 0, "Coverage of {n} started at neutral with {a} brokers now at hold", "was started at neutral; {a} brokers now rate the shares a hold."),
    phrase("legal", -1, "Regulators open probe into {n} over {p} practices, {b} complaints filed", "is under investigation by regulators over its {p} practices after {b} complaints."),
    phrase("legal", -1, "{n} fined ${b} million for breach of antitrust rules", "was fined ${b} million for a breach of antitrust rules related to its {p}."),
    phrase("legal", -1, "{n} sued by {a} states over {p} claims", "was sued by {a} states which allege that it misled buyers about its {p}."),
    phrase("legal", 1, "Court dismisses ${b} million lawsuit against {n}", "won dismissal of a ${b} million lawsuit over its {p}, removing an overhang for shares."),
    phrase("legal", 0, "Hearing in {n} patent case put off by {a} days", "and the plaintiff agreed to put off a hearing in a patent case by {a} days."),
    phrase("product", 1, "{n} unveils new {p} to strong reviews, orders top {b},000", "unveiled a new {p} to strong reviews; early orders topped {b},000."),
    phrase("product", 1, "{n} wins ${b} million contract for its {p}", "won a contract worth ${b} million for its {p}, its largest this year."),
    phrase("product", -1, "{n} recalls {b},000 units over {p} defect", "is recalling {b},000 units because of a defect of its {p} that poses a safety risk."),
    phrase("product", -1, "{n} delays {p} launch by {a} months after test failures", "delayed the launch of its new {p} by {a} months after failures in testing."),
    phrase("product", -1, "Outage hits {n} {p} users for {a} hours", "suffered an outage that left {p} users without service for {a} hours."),
    phrase("product", 0, "{n} opens {p} centre with {b} staff in Ohio", "opened a centre for its {p} with {b} staff in Ohio."),
    phrase("m&a", 1, "{n} to sell unit for ${b} million, well above book value", "agreed to sell a unit for ${b} million, well above its book value, and will return cash."),
    phrase("m&a", -1, "{n} abandons ${b} million takeover after regulator objects", "abandoned a takeover worth ${b} million after a regulator objected, and takes a charge."),
    phrase("m&a", 0, "{n} buys small software firm for ${b} million", "bought a small software firm for ${b} million to support its {p}."),
    phrase("capital", 1, "{n} announces ${a} billion buyback and raises its dividend", "announced a buyback of ${a} billion and raised its dividend."),
    phrase("capital", -1, "{n} suspends dividend and cuts {b} jobs to save cash", "suspended its dividend and will cut {b} jobs to save cash as {p} revenue declines."),
    phrase("capital", -1, "Credit rating of {n} cut as debt climbs {a}%", "had its credit rating cut after debt climbed by {a}%."),
    phrase("capital", 0, "{n} prices ${b} million of {a}-year notes", "priced ${b} million of {a}-year notes to refinance debt."),
    phrase("management", 1, "{n} hires respected industry veteran to lead {p} push of {b} engineers", "hired a respected veteran to lead its {p}; investors welcomed the move."),
    phrase("management", -1, "{n} finance chief resigns abruptly after {a} months", "said its finance chief resigned abruptly after {a} months amid an accounting review."),
    phrase("management", 0, "{n} names new board member, board now has {a} seats", "named a new board member with experience in its {p} market."),
    phrase("macro", -1, "New tariffs of {a}% threaten {n} supply chain", "faces higher costs as tariffs of {a}% threaten the supply chain of its {p}."),
    phrase("macro", 1, "{n} gains as tariffs of {a}% on {p} parts are lifted", "stands to gain after tariffs of {a}% on parts of its {p} were lifted."),
    phrase("macro", 0, "{n} says currency moves of {a}% had no material effect", "said currency moves of {a}% had no material effect on its {p} business."),
    phrase("other", 0, "{n} to present at technology conference in {a} days", "will present at a conference and show its {p}."),
    phrase("other", 0, "{n} publishes sustainability report of {b} pages", "published its yearly sustainability report, which covers its {p}."),
    phrase("other", 1, "{n} to join index of {b} leading shares", "will join an index of {b} leading shares, which is expected to attract buyers."),
];

/// Sentences that are always true of some company and never news.
pub(crate) static EVERGREEN: [&str; 5] = [
    "{a} things to know about {n} before you invest",
    "Is {n} stock a buy right now? What {a} years of history say",
    "If you had invested ${b} in {n} ten years ago, here is what you would have",
    "How {n} makes its money: the {p} and {a} other businesses explained",
    "{a} large companies, {n} among them, that long-term investors follow",
];

/// Sentences that fill a story after its first two.
pub(crate) static FILLER: [&str; 6] = [
    "The company did not immediately respond to a request for comment outside business hours.",
    "Trading volume was close to its average of the past 30 days.",
    "The market as a whole was little changed, with rates in focus.",
    "A spokesperson referred to the statement published on the company's website.",
    "Peers in the sector moved in a narrow range.",
    "Further details are expected in the next regulatory filing.",
];

pub(crate) fn fill(text: &str, name: &str, product: &str, a: u32, b: u32) -> String {
    text.replace("{n}", name)
        .replace("{p}", product)
        .replace("{a}", &a.to_string())
        .replace("{b}", &b.to_string())
}

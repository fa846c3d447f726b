//! Which reports are one story, and which only look like it.

use bellwether_domain::cluster::{
    Fingerprint, Place, Story, assign, fingerprint, number, same_story,
};
use chrono::{DateTime, TimeDelta, Utc};

fn story(title: &str, description: &str, url: &str, hours: i64) -> Story {
    let start: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    Story {
        title: title.to_owned(),
        description: description.to_owned(),
        url: url.parse().unwrap(),
        source: "Wire".to_owned(),
        published_at: start + TimeDelta::hours(hours),
    }
}

const BODY: &str = "The maker of phones and computers said on Thursday that revenue in its fourth \
    fiscal quarter rose on demand for its newest handsets, and that services reached another \
    record, sending its shares up in late trading.";

fn prints(stories: &[Story]) -> Vec<Fingerprint> {
    stories.iter().map(fingerprint).collect()
}

fn same(a: &Story, b: &Story) -> bool {
    let (a, b) = (fingerprint(a), fingerprint(b));
    assert_eq!(same_story(&a, &b), same_story(&b, &a), "not symmetric");
    same_story(&a, &b)
}

#[test]
fn one_address_is_one_story() {
    let a = story("Apple beats", BODY, "https://www.x.com/a?utm_source=r", 0);
    let b = story("Apple tops Street", "", "https://m.x.com/a/", 1);
    assert!(same(&a, &b));
}

#[test]
fn a_reprint_joins_whatever_its_outlet_appends() {
    let a = story("Apple beats estimates as iPhone sales surge", BODY, "https://x.com/1", 0);
    for title in [
        "Apple beats estimates as iPhone sales surge - Reuters",
        "UPDATE 1-Apple beats estimates as iPhone sales surge",
        "Apple beats estimates as iPhone sales surge | The Daily Planet",
        "Apple tops estimates as iPhone sales surge",
        "iPhone maker has a very good quarter",
    ] {
        assert!(same(&a, &story(title, BODY, "https://y.com/2", 5)), "{title}");
    }
}

#[test]
fn differing_numbers_or_names_are_different_stories() {
    let pairs = [
        ("Apple profit rises 5% in fourth quarter", "Apple profit rises 7% in fourth quarter"),
        ("Ford recalls 500,000 trucks over brakes", "Ford recalls 120,000 trucks over brakes"),
        ("Microsoft shares fall after earnings report", "Amazon shares fall after earnings report"),
        ("Goldman cuts price target on Tesla", "Goldman cuts price target on Nvidia"),
    ];
    for (a, b) in pairs {
        assert!(
            !same(&story(a, "", "https://x.com/1", 0), &story(b, "", "https://x.com/2", 1)),
            "{a}"
        );
    }
}

#[test]
fn a_correction_joins_its_story() {
    let a = story("Apple profit rises 5% in fourth quarter", "", "https://x.com/1", 0);
    let b = story("CORRECTED: Apple profit rises 7% in fourth quarter", "", "https://x.com/2", 2);
    assert!(same(&a, &b));
}

#[test]
fn a_follow_up_with_new_facts_is_another_story() {
    let a = story("Boeing machinists vote to strike", "", "https://x.com/1", 0);
    let b = story("Boeing machinists end strike after seven weeks", "", "https://x.com/2", 60);
    assert!(!same(&a, &b));
}

#[test]
fn the_same_headline_after_three_days_is_another_story() {
    let a = story("Stocks to watch today", "", "https://x.com/1", 0);
    assert!(same(&a, &story("Stocks to watch today", "", "https://x.com/2", 72)));
    assert!(!same(&a, &story("Stocks to watch today", "", "https://x.com/3", 73)));
}

#[test]
fn similarity_does_not_chain() {
    let title = "Retailer opens many stores across the northern states this winter season again";
    let near = "Retailer opens many stores across the northern states this summer month again";
    let far = "Retailer opens some shops across the northern states this summer month again";
    let (a, b, c) = (
        story(title, "", "https://x.com/1", 0),
        story(near, "", "https://x.com/2", 1),
        story(far, "", "https://x.com/3", 2),
    );
    assert!(same(&a, &b) && same(&b, &c) && !same(&a, &c), "the example does not chain");
    assert_eq!(number(&prints(&[a, b, c])), [0, 0, 1]);
}

#[test]
fn the_order_of_the_lines_changes_only_the_numbers() {
    let stories = [
        story("Tesla misses delivery estimates", "", "https://x.com/1", 3),
        story("Apple beats estimates as iPhone sales surge", BODY, "https://x.com/2", 2),
        story("Apple beats estimates as iPhone sales surge", BODY, "https://y.com/3", 0),
        story("Tesla misses delivery estimates - CNBC", "", "https://y.com/4", 0),
    ];
    assert_eq!(number(&prints(&stories)), [0, 1, 1, 0]);
    let reversed: Vec<Story> = stories.into_iter().rev().collect();
    assert_eq!(number(&prints(&reversed)), [0, 1, 1, 0]);
}

#[test]
fn one_story_in_two_hundred_outlets_is_one_cluster() {
    let stories: Vec<Story> = (0..200)
        .map(|n| {
            let title = match n % 3 {
                0 => "Apple beats estimates as iPhone sales surge".to_owned(),
                1 => format!("Apple beats estimates as iPhone sales surge - Outlet {n}"),
                _ => "Apple Beats Estimates As iPhone Sales Surge".to_owned(),
            };
            story(&title, BODY, &format!("https://outlet{n}.com/apple"), n % 40)
        })
        .collect();
    assert!(number(&prints(&stories)).iter().all(|c| *c == 0));
}

#[test]
fn a_report_of_a_known_story_joins_it_and_others_begin_one() {
    let title = "Apple beats estimates as iPhone sales surge";
    let known = prints(&[story(title, BODY, "https://x.com/1", 0)]);
    let later = prints(&[
        story("Ford recalls 500,000 trucks over brakes", "", "https://x.com/3", 3),
        story(title, BODY, "https://x.com/2", 2),
        story("Ford recalls 500,000 trucks over brakes", "", "https://y.com/3", 1),
    ]);
    assert_eq!(assign(&known, &later), [Place::New(2), Place::Known(0), Place::New(2)]);
}

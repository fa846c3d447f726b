//! The lexicon against headlines whose sentiment was written down before the overlay was.

use bellwether_domain::{Label, lexicon};

struct Tally {
    right: usize,
    opposite: usize,
    of: usize,
}

fn tally(half: &str) -> Tally {
    let mut tally = Tally { right: 0, opposite: 0, of: 0 };
    for line in include_str!("headlines.csv").lines().skip(1) {
        let cells: Vec<&str> = line.splitn(3, ',').collect();
        if cells[0] != half {
            continue;
        }
        let label: Label = cells[1].parse().unwrap();
        let read = lexicon::read(cells[2]);
        tally.of += 1;
        tally.right += usize::from(read.label == label);
        let is_opposite = matches!(
            (label, read.label),
            (Label::Positive, Label::Negative) | (Label::Negative, Label::Positive)
        );
        tally.opposite += usize::from(is_opposite);
        if read.label != label {
            println!("{half}: {label} read as {} {}: {}", read.label, read.score, cells[2]);
        }
    }
    println!("{half}: {} right, {} opposite of {}", tally.right, tally.opposite, tally.of);
    tally
}

#[test]
fn the_held_out_half_is_read_right_often_enough_and_seldom_the_wrong_way_round() {
    let held = tally("held");
    assert!(held.of >= 98);
    assert!(held.right as f64 / held.of as f64 >= 0.72, "{} of {}", held.right, held.of);
    assert!(held.opposite as f64 / held.of as f64 <= 0.05, "{} opposite", held.opposite);
}

#[test]
fn the_half_it_was_tuned_on_is_no_worse() {
    let dev = tally("dev");
    assert!(dev.right as f64 / dev.of as f64 >= 0.72);
}

#[test]
fn known_errors_of_the_general_lexicon_are_overruled() {
    for (text, label) in [
        ("FDA approves cancer drug", Label::Positive),
        ("Gross margin expands", Label::Positive),
        ("Chipmaker beats estimates and raises guidance", Label::Positive),
        ("Impairment wipes out profit", Label::Negative),
        ("Ford narrows loss", Label::Positive),
        ("Intel cuts guidance", Label::Negative),
        ("Airline raises debt", Label::Negative),
        ("Supply group announces meeting", Label::Neutral),
    ] {
        assert_eq!(lexicon::read(text).label, label, "{text}");
    }
}

#[test]
fn confidence_never_outranks_a_model() {
    let loud = "Profit soars, revenue surges, shares jump, guidance raised, dividend raised!!!";
    for text in [loud, "", "a", "🚀🚀🚀 AMAZING GREAT WONDERFUL"] {
        let read = lexicon::read(text);
        assert!((0.0..=lexicon::MOST_CONFIDENCE).contains(&read.confidence), "{text}");
        assert!((-1.0..=1.0).contains(&read.score), "{text}");
    }
    assert_eq!(lexicon::read("").score, 0.0);
}

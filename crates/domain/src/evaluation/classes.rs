//! Accuracy of labels, and confusion between them.

use serde::Serialize;

use crate::Label;

const ALL: [Label; 3] = [Label::Negative, Label::Neutral, Label::Positive];

/// Counts of every true label against every given one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Confusion {
    /// By truth, then by answer, each in the order negative, neutral, positive.
    counts: [[u64; 3]; 3],
}

/// Scores of one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassScore {
    pub label: Label,
    /// Number of texts with this label.
    pub support: u64,
    /// Precision: the share of answers with this label that are right; 0 without such answers.
    pub precision: f64,
    /// Recall: the share of texts with this label that were found; 0 without such texts.
    pub recall: f64,
    pub f1: f64,
}

const fn place(label: Label) -> usize {
    match label {
        Label::Negative => 0,
        Label::Neutral => 1,
        Label::Positive => 2,
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Confusion {
    pub fn add(&mut self, truth: Label, answer: Label) {
        self.counts[place(truth)][place(answer)] += 1;
    }

    /// By truth, then by answer, each in the order negative, neutral, positive.
    pub fn counts(&self) -> [[u64; 3]; 3] {
        self.counts
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// 0 without a text.
    pub fn accuracy(&self) -> f64 {
        ratio((0..3).map(|n| self.counts[n][n]).sum(), self.total())
    }

    /// Share of texts that were given the opposite of their label.
    pub fn opposite(&self) -> f64 {
        ratio(self.counts[0][2] + self.counts[2][0], self.total())
    }

    pub fn classes(&self) -> [ClassScore; 3] {
        ALL.map(|label| {
            let at = place(label);
            let right = self.counts[at][at];
            let support = self.counts[at].iter().sum();
            let answered = self.counts.iter().map(|row| row[at]).sum();
            let (precision, recall) = (ratio(right, answered), ratio(right, support));
            let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
            ClassScore { label, support, precision, recall, f1 }
        })
    }

    /// The plain mean of the F1 of those labels that occur, in texts or in answers.
    pub fn macro_f1(&self) -> f64 {
        let occurs = |at: usize| {
            self.counts[at].iter().sum::<u64>() + self.counts.iter().map(|row| row[at]).sum::<u64>()
                > 0
        };
        let scores: Vec<f64> =
            self.classes().iter().filter(|c| occurs(place(c.label))).map(|c| c.f1).collect();
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_three_classes() {
        let mut confusion = Confusion::default();
        let cells = [[50, 8, 2], [6, 70, 4], [1, 9, 30]];
        for (truth, row) in ALL.into_iter().zip(cells) {
            for (answer, n) in ALL.into_iter().zip(row) {
                for _ in 0..n {
                    confusion.add(truth, answer);
                }
            }
        }
        assert_eq!(confusion.counts(), cells);
        assert_eq!(confusion.total(), 180);
        assert!((confusion.accuracy() - 150.0 / 180.0).abs() < 1e-12);
        assert!((confusion.opposite() - 3.0 / 180.0).abs() < 1e-12);
        let f1 = confusion.classes().map(|c| c.f1);
        // 2·tp / (2·tp + fp + fn)
        let expected = [100.0 / 117.0, 140.0 / 167.0, 60.0 / 76.0];
        for (found, expected) in f1.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let whole = expected.iter().sum::<f64>() / 3.0;
        assert!((confusion.macro_f1() - whole).abs() < 1e-12);
    }

    #[test]
    fn a_label_that_nothing_has_does_not_count() {
        let mut confusion = Confusion::default();
        assert_eq!((confusion.accuracy(), confusion.macro_f1()), (0.0, 0.0));
        confusion.add(Label::Positive, Label::Positive);
        confusion.add(Label::Negative, Label::Negative);
        assert_eq!((confusion.accuracy(), confusion.macro_f1()), (1.0, 1.0));
    }
}

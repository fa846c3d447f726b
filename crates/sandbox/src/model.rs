//! Answers of a language model: the hidden truth, some noise, too much confidence.

use chrono::{DateTime, Utc};
use rand::RngExt;
use serde_json::{Value, json};

use crate::app::Arrival;
use crate::faults::Fired;
use crate::schema;
use crate::world::{World, chance, hash, normal};

const GOOD: [&str; 20] = [
    "beat", "beats", "record", "surge", "surges", "raises", "upgraded", "wins", "strong", "growth",
    "profit", "gains", "rises", "buyback", "approves", "rally", "jumps", "tops", "exceeds",
    "soars",
];
const BAD: [&str; 20] = [
    "misses",
    "loss",
    "falls",
    "cuts",
    "weak",
    "probe",
    "recall",
    "recalls",
    "downgraded",
    "sued",
    "fined",
    "warns",
    "delays",
    "drops",
    "bankruptcy",
    "fraud",
    "layoffs",
    "plunges",
    "slumps",
    "lawsuit",
];

/// A reading of the prompt. Prompts that differ only in their nonces get equal readings.
pub(crate) fn read(world: &World, model: &str, prompt: &str, now: DateTime<Utc>) -> Value {
    let mark = crate::world::words(prompt)
        .iter()
        .filter(|word| !is_nonce(word))
        .fold(0xcbf2_9ce4_8422_2325, |mark, word| hash(word.as_bytes(), mark));
    let mut rng = chance(world.seed, &format!("model/{model}"), mark as i64);
    let story = world.story_in(prompt, now);
    let (truth, relevance, event) = match &story {
        Some(story) => (story.polarity, story.relevance(), story.kind),
        None => (by_words(prompt), 0.7, "other"),
    };
    let mut score = (truth * 0.85 + 0.15 * normal(&mut rng)).clamp(-1.0, 1.0);
    // Occasionally it is wrong, with the same confidence.
    if rng.random_bool(0.06) {
        score = -score;
    }
    let score = (score * 100.0).round() / 100.0;
    let (label, impact) = match score {
        s if s >= 0.15 => ("positive", "bullish"),
        s if s <= -0.15 => ("negative", "bearish"),
        _ => ("neutral", "neutral"),
    };
    let confidence = rng.random_range(86..=99);
    let relevance: f64 = (relevance + rng.random_range(-0.03..0.03_f64)).clamp(0.0, 1.0);
    let company = story.as_ref().and_then(|s| World::company(s.symbol)).map_or("it", |c| c.name);
    json!({
        "sentiment": score,
        "label": label,
        "confidence": f64::from(confidence) / 100.0,
        "relevance": (relevance * 100.0).round() / 100.0,
        "impact": impact,
        "event": event,
        "key_points": [
            format!("The story concerns {company}"),
            format!("Its subject is {event}"),
            format!("The tone is {label}"),
        ],
        "summary": format!("A {label} story on {event} at {company}."),
    })
}

/// Long, with letters and digits mixed: no word of an article.
fn is_nonce(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 16 || (word.len() >= 8 && digits > 0 && digits < word.len())
}

/// For texts that no outlet of the sandbox has published.
fn by_words(text: &str) -> f64 {
    let words = crate::world::words(text);
    let count = |list: &[&str]| words.iter().filter(|w| list.contains(&w.as_str())).count() as f64;
    let (good, bad) = (count(&GOOD), count(&BAD));
    if good + bad == 0.0 { 0.0 } else { (good - bad) / (good + bad + 0.5) }
}

/// The answer's text in the requested form, changed by the faults in force.
pub(crate) fn write(
    arrival: &Arrival,
    model: &str,
    prompt: &str,
    wanted: Option<&Value>,
) -> String {
    let mut reading = read(&arrival.world, model, prompt, arrival.at);
    if arrival.has("F75") && arrival.seq.is_multiple_of(2) {
        let score = reading["sentiment"].as_f64().unwrap_or(0.0);
        let flipped = if score.abs() < 0.3 { 0.8 } else { -score };
        reading["sentiment"] = json!(flipped);
        reading["label"] = json!(if flipped > 0.0 { "positive" } else { "negative" });
    }
    let prompt = prompt.to_lowercase();
    if arrival.has("F76") && prompt.contains("ignore") && prompt.contains("instructions") {
        reading["sentiment"] = json!(1.0);
        reading["confidence"] = json!(1.0);
        reading["label"] = json!("positive");
    }
    let text = match wanted {
        Some(wanted) => schema::fill(wanted, &reading),
        None => reading.to_string(),
    };
    if let Some(fault) = arrival.fault("F70") {
        return unfit(fault, &text);
    }
    match arrival.fault("F69").map(|f| f.mode) {
        Some("prose") => {
            format!("Overall the article reads {} to me.", reading["label"].as_str().unwrap_or(""))
        }
        Some(_) => format!("Here is the JSON you asked for:\n```json\n{text}\n```"),
        None => text,
    }
}

/// Valid or nearly valid JSON that does not fit the schema.
fn unfit(fault: &Fired, text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({}));
    match fault.mode {
        "nan" => {
            value["sentiment"] = json!("@nan@");
            return value.to_string().replace("\"@nan@\"", "NaN");
        }
        "string_number" => value["sentiment"] = json!(value["sentiment"].to_string()),
        "extra_key" => value["reasoning"] = json!("not asked for"),
        "missing_key" => {
            if let Some(fields) = value.as_object_mut() {
                fields.remove("sentiment");
            }
        }
        "wrong_enum" => value["label"] = json!("very bullish"),
        _ => {
            value["sentiment"] = json!(7.5);
            value["confidence"] = json!(-0.2);
        }
    }
    value.to_string()
}

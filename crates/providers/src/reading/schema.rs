//! The schema of an answer, in both forms that servers accept, and its validation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{EVENTS, IMPACTS, Impact, LABELS, Label, Reading, Usage};

const MAX_POINT_CHARS: usize = 500;
const MAX_SUMMARY_CHARS: usize = 2_000;

/// The fields of an answer in the order in which they are to be written: evidence before score.
const FIELDS: [(&str, Kind); 8] = [
    ("key_points", Kind::Points),
    ("event", Kind::OneOf(&EVENTS)),
    ("relevance", Kind::Number(0, 1)),
    ("label", Kind::OneOf(&LABELS)),
    ("sentiment", Kind::Number(-1, 1)),
    ("confidence", Kind::Number(0, 1)),
    ("impact", Kind::OneOf(&IMPACTS)),
    ("summary", Kind::Text),
];
const MAX_POINTS: usize = 3;

#[derive(Clone, Copy)]
enum Kind {
    Number(i8, i8),
    OneOf(&'static [&'static str]),
    Points,
    Text,
}

fn names() -> Vec<&'static str> {
    FIELDS.iter().map(|(name, _)| *name).collect()
}

/// The schema in Gemini's subset of OpenAPI.
pub(crate) fn open_api_schema() -> Value {
    let properties: Map<String, Value> = FIELDS
        .iter()
        .map(|(name, kind)| {
            let schema = match kind {
                Kind::Number(from, to) => json!({"type": "NUMBER", "minimum": from, "maximum": to}),
                Kind::OneOf(words) => json!({"type": "STRING", "enum": words}),
                Kind::Points => {
                    json!({"type": "ARRAY", "maxItems": MAX_POINTS, "items": {"type": "STRING"}})
                }
                Kind::Text => json!({"type": "STRING"}),
            };
            ((*name).to_owned(), schema)
        })
        .collect();
    json!({"type": "OBJECT", "properties": properties, "required": names(), "propertyOrdering": names()})
}

/// The same schema as JSON Schema in the strict form: bounds as words, since not every server that
/// enforces schemas accepts them as keywords.
pub(crate) fn strict_schema() -> Value {
    let properties: Map<String, Value> = FIELDS
        .iter()
        .map(|(name, kind)| {
            let schema = match kind {
                Kind::Number(from, to) => {
                    json!({"type": "number", "description": format!("from {from} to {to}")})
                }
                Kind::OneOf(words) => json!({"type": "string", "enum": words}),
                Kind::Points => json!({
                    "type": "array", "items": {"type": "string"},
                    "description": format!("at most {MAX_POINTS}"),
                }),
                Kind::Text => json!({"type": "string"}),
            };
            ((*name).to_owned(), schema)
        })
        .collect();
    json!({
        "type": "object", "properties": properties, "required": names(),
        "additionalProperties": false,
    })
}

/// The content of an answer, before its cost is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    sentiment: f64,
    label: Label,
    confidence: f64,
    relevance: f64,
    impact: Impact,
    event: String,
    key_points: Vec<String>,
    summary: String,
}

impl Judgement {
    pub(crate) fn costing(
        self,
        usage: Usage,
        model_version: String,
        retirement_time: Option<DateTime<Utc>>,
        latency: Duration,
    ) -> Reading {
        Reading {
            sentiment: self.sentiment,
            label: self.label,
            confidence: self.confidence,
            relevance: self.relevance,
            impact: self.impact,
            event: self.event,
            key_points: self.key_points,
            summary: self.summary,
            usage,
            model_version,
            retirement_time,
            latency,
        }
    }
}

/// Validates every field, whatever the server promises about the schema: none missing, none
/// unknown, each of its type and within its range. The error names the field and quotes nothing.
pub(crate) fn parse(text: &str) -> Result<Judgement, String> {
    let value: Value =
        serde_json::from_str(unfenced(text)).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(fields) = value else { return Err("not a JSON object".into()) };
    if let Some(name) = fields.keys().find(|name| !names().contains(&name.as_str())) {
        let name: String = name.chars().take(40).collect();
        return Err(format!("an extra field: {name}"));
    }
    let number = |name, least: f64, most: f64| {
        let number =
            fields.get(name).and_then(Value::as_f64).ok_or(format!("{name} is not a number"))?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{name} is out of range"))
        }
    };
    Ok(Judgement {
        sentiment: number("sentiment", -1.0, 1.0)?,
        label: word(&fields, "label", &LABELS)?,
        confidence: number("confidence", 0.0, 1.0)?,
        relevance: number("relevance", 0.0, 1.0)?,
        impact: word(&fields, "impact", &IMPACTS)?,
        event: match fields.get("event").and_then(Value::as_str) {
            Some(event) if EVENTS.contains(&event) => event.to_owned(),
            _ => return Err("event is not one of its words".into()),
        },
        key_points: match fields.get("key_points") {
            Some(Value::Array(points)) if points.len() <= MAX_POINTS => points
                .iter()
                .map(|point| plain(Some(point), "key_points", MAX_POINT_CHARS))
                .collect::<Result<_, _>>()?,
            _ => return Err(format!("key_points is not an array of at most {MAX_POINTS}")),
        },
        summary: plain(fields.get("summary"), "summary", MAX_SUMMARY_CHARS)?,
    })
}

/// Removes a Markdown fence around the JSON, which models that ignore the schema often add.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("```")
        .and_then(|inner| inner.strip_suffix("```"))
        .map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

fn word<T: serde::de::DeserializeOwned>(
    fields: &Map<String, Value>,
    name: &str,
    words: &[&str],
) -> Result<T, String> {
    let value = fields.get(name).filter(|v| v.as_str().is_some_and(|v| words.contains(&v)));
    value
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .ok_or_else(|| format!("{name} is not one of its words"))
}

/// A text that can be stored and shown: not empty, not too long, no control characters.
fn plain(value: Option<&Value>, name: &str, most: usize) -> Result<String, String> {
    let text = value.and_then(Value::as_str).ok_or_else(|| format!("{name} is not text"))?.trim();
    if text.is_empty() {
        return Err(format!("{name} is empty"));
    }
    if text.chars().count() > most {
        return Err(format!("{name} is too long"));
    }
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Value {
        json!({
            "key_points": ["Guidance was raised."], "event": "m&a", "relevance": 0.9,
            "label": "positive", "sentiment": 0.55, "confidence": 1, "impact": "bullish",
            "summary": "More revenue is expected.",
        })
    }

    #[test]
    fn an_answer_that_fits_is_read() {
        let judgement = parse(&good().to_string()).unwrap();
        assert_eq!(judgement.label, Label::Positive);
        assert_eq!(judgement.impact, Impact::Bullish);
        assert_eq!(judgement.event, "m&a");
        assert_eq!(judgement.sentiment, 0.55);
        let fenced = format!("```json\n{}\n```\n", good());
        assert_eq!(parse(&fenced), Ok(judgement));
    }

    #[test]
    fn an_answer_with_any_wrong_field_is_not_read() {
        let long = "x".repeat(3000);
        let cases = [
            ("sentiment", json!(1.01)),
            ("sentiment", json!(-7)),
            ("sentiment", json!("0.5")),
            ("sentiment", json!(null)),
            ("confidence", json!(-0.1)),
            ("confidence", json!(85)),
            ("relevance", json!([0.5])),
            ("label", json!("bullish")),
            ("label", json!("Positive")),
            ("impact", json!("positive")),
            ("event", json!("merger")),
            ("key_points", json!("one")),
            ("key_points", json!(["a", "b", "c", "d"])),
            ("key_points", json!([1])),
            ("key_points", json!([""])),
            ("summary", json!("")),
            ("summary", json!(long)),
            ("reasoning", json!("an extra field")),
        ];
        for (field, value) in cases {
            let mut answer = good();
            answer[field] = value.clone();
            assert!(parse(&answer.to_string()).is_err(), "{field} = {value}");
        }
        for (field, _) in FIELDS {
            let mut answer = good();
            answer.as_object_mut().unwrap().remove(field);
            assert!(parse(&answer.to_string()).is_err(), "without {field}");
        }
        let nan = good().to_string().replace("0.55", "NaN");
        for text in [nan.as_str(), "The article is positive.", "", "[]", "{\"sentiment\": 0.5"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn control_characters_of_a_model_never_reach_the_database() {
        let mut answer = good();
        answer["summary"] = json!("a\u{0}b");
        assert_eq!(parse(&answer.to_string()).unwrap().summary, "a b");
    }

    #[test]
    fn both_schemas_demand_every_field() {
        let (ours, strict) = (open_api_schema(), strict_schema());
        for (name, _) in FIELDS {
            assert!(ours["properties"][name].is_object(), "{name}");
            assert!(strict["properties"][name].is_object(), "{name}");
        }
        assert_eq!(ours["required"], strict["required"]);
        assert_eq!(strict["additionalProperties"], false);
        assert_eq!(ours["required"].as_array().map(Vec::len), Some(8));
    }
}

//! Answers in the form of a request's schema.

use serde_json::{Map, Value, json};

const SUBSET: [&str; 17] = [
    "anyOf",
    "enum",
    "format",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
    "nullable",
    "properties",
    "required",
    "propertyOrdering",
    "description",
    "type",
];

const TYPES: [&str; 6] = ["OBJECT", "ARRAY", "STRING", "NUMBER", "INTEGER", "BOOLEAN"];

/// Checks that this is within the OpenAPI subset that Gemini accepts; `Err` names the first
/// violation.
pub(crate) fn check_subset(schema: &Value, at: &str) -> Result<(), String> {
    let Some(fields) = schema.as_object() else {
        return Err(format!("Invalid value at '{at}': a Schema is an object"));
    };
    if let Some(unknown) = fields.keys().find(|key| !SUBSET.contains(&key.as_str())) {
        return Err(format!(
            "Invalid JSON payload received. Unknown name \"{unknown}\" at '{at}': Cannot find field."
        ));
    }
    let kind = kind(schema);
    if !fields.contains_key("anyOf") && !TYPES.contains(&kind.as_str()) {
        return Err(format!("Invalid value at '{at}.type': \"{kind}\""));
    }
    let properties = schema["properties"].as_object();
    if kind == "OBJECT" && properties.is_none_or(Map::is_empty) {
        return Err(format!(
            "* GenerateContentRequest.{at}.properties: should be non-empty for OBJECT type"
        ));
    }
    for list in ["required", "propertyOrdering"] {
        for name in schema[list].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if properties.is_none_or(|p| !p.contains_key(name)) {
                return Err(format!(
                    "* GenerateContentRequest.{at}.{list}: property `{name}` is not defined"
                ));
            }
        }
    }
    if kind == "ARRAY" && !fields.contains_key("items") {
        return Err(format!("* GenerateContentRequest.{at}.items: missing field."));
    }
    for (name, property) in properties.into_iter().flatten() {
        check_subset(property, &format!("{at}.properties[{name}]"))?;
    }
    if let Some(items) = fields.get("items") {
        check_subset(items, &format!("{at}.items"))?;
    }
    Ok(())
}

fn kind(schema: &Value) -> String {
    let first = schema["type"].as_array().and_then(|types| types.first());
    first.unwrap_or(&schema["type"]).as_str().unwrap_or_default().to_ascii_uppercase()
}

/// Names of an object's properties in the order in which they are to be written.
fn order(schema: &Value) -> Vec<String> {
    let listed = |name: &str| {
        let names = schema[name].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut names = listed("propertyOrdering");
    for name in listed("required") {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// JSON text that fits the schema, with the known values where it has fields for them.
pub(crate) fn fill(schema: &Value, known: &Value) -> String {
    match kind(schema).as_str() {
        "OBJECT" => {
            let fields: Vec<_> = order(schema)
                .iter()
                .map(|name| {
                    let value = fill(&schema["properties"][name], &known[name]);
                    format!("{}: {value}", json!(name))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        "ARRAY" => {
            let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX) as usize;
            let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
            let mut values: Vec<_> = known
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| fill(&schema["items"], value))
                .take(most)
                .collect();
            while values.len() < least {
                values.push(fill(&schema["items"], &Value::Null));
            }
            format!("[{}]", values.join(", "))
        }
        "NUMBER" => json!(bounded(schema, known.as_f64().unwrap_or(0.0))).to_string(),
        "INTEGER" => format!("{:.0}", bounded(schema, known.as_f64().unwrap_or(0.0)).round()),
        "BOOLEAN" => known.as_bool().unwrap_or(false).to_string(),
        _ => {
            let text = known.as_str().unwrap_or("").to_owned();
            let options: Vec<_> =
                schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let text = match options.as_slice() {
                [] => text,
                options if options.contains(&text.as_str()) => text,
                options => {
                    let alike = options.iter().find(|o| o.eq_ignore_ascii_case(&text));
                    alike.or(options.last()).copied().unwrap_or_default().to_owned()
                }
            };
            json!(text).to_string()
        }
    }
}

fn bounded(schema: &Value, value: f64) -> f64 {
    let low = schema["minimum"].as_f64().unwrap_or(f64::MIN);
    let high = schema["maximum"].as_f64().unwrap_or(f64::MAX);
    value.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_in_the_order_asked_for() {
        let schema = json!({"type": "OBJECT", "propertyOrdering": ["b", "a"], "properties": {
            "a": {"type": "NUMBER", "maximum": 1}, "b": {"type": "STRING", "enum": ["x", "y"]}}});
        assert_eq!(fill(&schema, &json!({"a": 7, "b": "x"})), r#"{"b": "x", "a": 1.0}"#);
    }

    #[test]
    fn what_gemini_does_not_take_is_named() {
        let schema = json!({"type": "OBJECT", "additionalProperties": false, "properties": {}});
        let error = check_subset(&schema, "generation_config.response_schema").unwrap_err();
        assert!(error.contains("additionalProperties"), "{error}");
    }
}

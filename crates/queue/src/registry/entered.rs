//! Arguments as a caller enters them, held to the schema of their kind: its fields and their bounds.
//! Types are not looked at here; reading the arguments tells them.

use serde_json::{Map, Value};

use super::Misfit;

/// The first field that does not fit.
pub(super) fn check(schema: &Value, args: &Value) -> Result<(), Misfit> {
    let Some(given) = args.as_object() else { return Ok(()) };
    let none = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&none);
    for (name, value) in given {
        let at = format!("args.{name}");
        match fields.get(name) {
            Some(field) => bounds(field, value, &at)?,
            None if schema["additionalProperties"] == false => {
                return Err((at, format!("unknown field `{name}`, {}", expected(fields))));
            }
            None => {}
        }
    }
    Ok(())
}

fn expected(fields: &Map<String, Value>) -> String {
    if fields.is_empty() {
        return "there are no fields".to_owned();
    }
    let names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
    format!("expected one of {}", names.join(", "))
}

/// `maxItems`, `minItems` and the bounds of each item; `maxLength` and `minLength` in characters;
/// `minimum` and `maximum`.
fn bounds(schema: &Value, value: &Value, at: &str) -> Result<(), Misfit> {
    let (size, least, most, unit) = match value {
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                bounds(&schema["items"], item, &format!("{at}[{n}]"))?;
            }
            (items.len() as f64, "minItems", "maxItems", " items")
        }
        Value::String(text) => {
            (text.chars().count() as f64, "minLength", "maxLength", " characters")
        }
        Value::Number(number) => (number.as_f64().unwrap_or_default(), "minimum", "maximum", ""),
        _ => return Ok(()),
    };
    if let Some(most) = schema[most].as_f64().filter(|most| size > *most) {
        return Err((at.to_owned(), format!("at most {most}{unit}, not {size}")));
    }
    if let Some(least) = schema[least].as_f64().filter(|least| size < *least) {
        return Err((at.to_owned(), format!("at least {least}{unit}, not {size}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bounds_of_a_schema_hold_for_what_a_caller_enters() {
        let schema = json!({
            "additionalProperties": false,
            "properties": {
                "symbols": {
                    "type": ["array", "null"], "minItems": 1, "maxItems": 2,
                    "items": {"type": "string", "maxLength": 5},
                },
                "reason": {"type": "string", "maxLength": 3},
                "batch": {"type": "integer", "minimum": 1},
                "free": {},
            },
        });
        let at = |args: Value| check(&schema, &args).map_err(|(field, _)| field);
        assert_eq!(at(json!({"symbols": ["A", "B"], "reason": "äöü", "batch": 1})), Ok(()));
        assert_eq!(at(json!({"symbols": null, "free": "any number of characters"})), Ok(()));
        assert_eq!(at(json!({"symbols": ["A", "B", "C"]})), Err("args.symbols".to_owned()));
        assert_eq!(at(json!({"symbols": []})), Err("args.symbols".to_owned()));
        assert_eq!(at(json!({"symbols": ["A", "TOOLONG"]})), Err("args.symbols[1]".to_owned()));
        assert_eq!(at(json!({"reason": "long"})), Err("args.reason".to_owned()));
        assert_eq!(at(json!({"batch": 0})), Err("args.batch".to_owned()));
        assert_eq!(at(json!({"later": 1})), Err("args.later".to_owned()));
        assert_eq!(at(Value::Null), Ok(()), "no arguments");
    }

    #[test]
    fn a_kind_whose_schema_names_no_fields_takes_any() {
        let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
        assert_eq!(check(&map, &json!({"any": "thing"})), Ok(()));
    }
}

//! Answers of the models without faults.

use serde_json::{Value, json};

use crate::desk::{self, Desk};

fn schema() -> Value {
    json!({
        "type": "OBJECT",
        "properties": {
            "sentiment": {"type": "NUMBER", "minimum": -1, "maximum": 1},
            "label": {"type": "STRING", "enum": ["negative", "neutral", "positive"]},
            "confidence": {"type": "NUMBER", "minimum": 0, "maximum": 1},
            "relevance": {"type": "NUMBER", "minimum": 0, "maximum": 1},
            "impact": {"type": "STRING", "enum": ["bearish", "neutral", "bullish"]},
            "event": {"type": "STRING", "enum": ["earnings", "guidance", "m&a", "legal", "product",
                "macro", "analyst", "management", "capital", "other"]},
            "key_points": {"type": "ARRAY", "maxItems": 3, "items": {"type": "STRING"}},
            "summary": {"type": "STRING"},
        },
        "required": ["sentiment", "label", "confidence", "relevance", "impact", "event",
            "key_points", "summary"],
        "propertyOrdering": ["key_points", "event", "relevance", "label", "sentiment",
            "confidence", "impact", "summary"],
    })
}

fn request(text: &str, schema: &Value) -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "Score the article."}]},
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": schema,
            "maxOutputTokens": 1024,
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
        },
    })
}

async fn read(desk: &Desk, text: &str) -> Value {
    let body = desk.gemini(request(text, &schema())).await.json();
    let text = body["candidates"][0]["content"]["parts"][0]["text"].as_str().expect("text");
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn an_answer_fits_the_schema_in_the_order_asked_for() {
    let desk = desk::open().await;
    let body = desk.gemini(request("<article>Apple beats estimates</article>", &schema())).await;
    let body = body.json();
    let candidate = &body["candidates"][0];
    assert_eq!(candidate["finishReason"], "STOP");
    let text = candidate["content"]["parts"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("{\"key_points\""), "{text}");
    let reading: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(reading.as_object().map(serde_json::Map::len), Some(8));
    assert!(reading["sentiment"].as_f64().is_some_and(|s| (-1.0..=1.0).contains(&s)));
    assert!(reading["confidence"].as_f64().is_some_and(|c| (0.8..=1.0).contains(&c)));
    let usage = &body["usageMetadata"];
    // "Score the article.", a line feed, and the article: 59 characters.
    assert_eq!(usage["promptTokenCount"], 15);
    let sum = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]
        .iter()
        .map(|name| usage[*name].as_u64().expect("a count"))
        .sum::<u64>();
    assert_eq!(usage["totalTokenCount"], sum);
    assert_eq!(body["modelVersion"], "gemini-3.5-flash-lite");
    assert_eq!(desk.ledger().await[0]["tokens"], 15);
}

#[tokio::test]
async fn answers_follow_the_hidden_truth_with_noise_and_too_much_confidence() {
    let desk = desk::open().await;
    desk.control("limits", json!({"gemini": {"rpm": 1_000}})).await;
    let truth = desk.get("/_sandbox/truth").await.json();
    let events = truth["events"].as_array().expect("events");
    let told: Vec<_> = events.iter().filter(|e| e["noise"].is_null()).take(80).collect();
    let (mut right, mut confidence) = (0.0, 0.0);
    for event in &told {
        let title = event["title"].as_str().expect("a title");
        let reading = read(&desk, &format!("<article nonce=x>\n{title}\n</article>")).await;
        assert_eq!(reading["event"], event["event"]);
        right += f64::from(u8::from(reading["label"] == event["label"]));
        confidence += reading["confidence"].as_f64().expect("a number");
    }
    let (right, confidence) = (right / told.len() as f64, confidence / told.len() as f64);
    assert!((0.6..0.95).contains(&right), "{right}");
    assert!(confidence > right, "{confidence} against {right}");
}

#[tokio::test]
async fn a_namesake_is_hardly_relevant() {
    let desk = desk::open().await;
    let mut day = 1;
    let story = loop {
        let path = format!("/_sandbox/truth?from=2026-11-{day:02}&to=2026-11-{:02}", day + 4);
        let truth = desk.get(&path).await.json();
        let events = truth["events"].as_array().expect("events").clone();
        if let Some(found) = events.into_iter().find(|e| e["noise"] == "wrong_ticker") {
            break found;
        }
        day += 5;
    };
    let reading = read(&desk, story["title"].as_str().expect("a title")).await;
    assert!(reading["relevance"].as_f64() < Some(0.1), "{reading}");
}

#[tokio::test]
async fn equal_prompts_get_equal_answers() {
    let desk = desk::open().await;
    let first = desk.gemini(request("Tesla recalls cars", &schema())).await.text;
    assert_eq!(desk.gemini(request("Tesla recalls cars", &schema())).await.text, first);
}

#[tokio::test]
async fn a_nonce_does_not_change_what_is_read() {
    let desk = desk::open().await;
    let one = read(&desk, "<article nonce=\"00f3a9c17be24d50\"> Tesla recalls cars").await;
    let other = read(&desk, "<article nonce=\"9be01c44d8a7f321\"> Tesla recalls cars").await;
    assert_eq!(one, other);
}

#[tokio::test]
async fn requests_that_gemini_would_not_take_are_refused() {
    let desk = desk::open().await;
    let mut closed = schema();
    closed["additionalProperties"] = json!(false);
    let answer = desk.gemini(request("x", &closed)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("Unknown name \\\"additionalProperties\\\""), "{}", answer.text);
    let mut budget = request("x", &schema());
    budget["generationConfig"]["thinkingConfig"] = json!({"thinkingBudget": 0});
    assert_eq!(desk.gemini(budget).await.status, 400);
    assert_eq!(desk.gemini(json!({"contents": []})).await.status, 400);
    let mut small = request("x", &schema());
    small["generationConfig"]["maxOutputTokens"] = json!(5);
    let cut = desk.gemini(small).await.json();
    assert_eq!(cut["candidates"][0]["finishReason"], "MAX_TOKENS");
    for model in ["gemini-2.5-flash", "nothing"] {
        let url = desk.url(&format!("/gemini/v1beta/models/{model}:generateContent"));
        let request = desk.client.post(url).header("x-goog-api-key", "k");
        let answer = desk.send(request.json(&request_of("x"))).await;
        assert_eq!(answer.status, 404, "{model}");
    }
    let list = desk.client.get(desk.url("/gemini/v1beta/models")).header("x-goog-api-key", "k");
    let models = desk.send(list).await.json();
    assert_eq!(models["models"][0]["name"], "models/gemini-3.5-flash-lite");
}

fn request_of(text: &str) -> Value {
    request(text, &schema())
}

#[tokio::test]
async fn chat_completions_answer_strict_schemas() {
    let desk = desk::open().await;
    let schema = json!({"type": "object", "additionalProperties": false,
        "properties": {"sentiment": {"type": "number"},
            "label": {"type": "string", "enum": ["negative", "neutral", "positive"]}},
        "required": ["sentiment", "label"]});
    let body = |schema: &Value| {
        json!({"model": "local", "temperature": 0,
            "messages": [{"role": "user", "content": "Apple wins record contract"}],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "sentiment", "strict": true, "schema": schema}}})
    };
    let answer = desk.chat(body(&schema)).await.json();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let text = answer["choices"][0]["message"]["content"].as_str().expect("text");
    let reading: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(reading.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(answer["usage"]["prompt_tokens"], 7);
    let mut open = schema.clone();
    open["additionalProperties"] = json!(true);
    assert_eq!(desk.chat(body(&open)).await.status, 400);

    desk.faults(json!([{"id": "F60", "match": "/openai/"}])).await;
    let url = desk.url("/openai/v1/chat/completions");
    let request = desk.client.post(url).bearer_auth("k").json(&body(&schema));
    let limited = request.send().await.expect("an answer");
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "47");
    desk.faults(json!([{"id": "F66"}])).await;
    let blocked = desk.chat(body(&schema)).await.json();
    assert_eq!(blocked["choices"][0]["finish_reason"], "content_filter");
}

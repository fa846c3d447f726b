//! Twilio: messages out, and the list in which a lost answer can be looked up.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine as _;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::answer::{self, Because};
use crate::app::{App, Arrival, Ruling};
use crate::call::{Call, Identity};
use crate::faults::{Class, known};
use crate::imitation::Imitation;
use crate::limits::{Rule, Scope};
use crate::outbox::Sms;
use crate::world::hash;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "twilio",
    path: Some("twilio"),
    routes,
    identify,
    classes: &[Class::Http, Class::Login],
    faults: &[
        known(
            "F80",
            &["21211", "21212", "21408", "21606", "21611", "21612", "21614"],
            "refused with the code that a magic number gives",
        ),
        known("F81", &[], "429, code 20429"),
        known("F82", &["500", "502", "503", "504"], "accepted, then a server error"),
        known("F84", &[], "21610, the recipient replied STOP"),
    ],
    limits: &[Rule::requests("per_second", 1, Scope::Key, 1)],
};

fn routes() -> Router<Arc<App>> {
    let messages = get(list).post(send);
    Router::new().route("/twilio/2010-04-01/Accounts/{sid}/Messages.json", messages)
}

fn credentials(call: &Call) -> Option<(String, String)> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn identify(call: &Call) -> Identity {
    let pair = credentials(call);
    let mut identity = Identity::of_key(pair.as_ref().map(|(user, _)| user.as_str()));
    identity.admitted &= pair.is_some_and(|(_, word)| !word.is_empty() && word != "invalid");
    identity.counted = call.method == Method::POST;
    identity
}

fn error(status: u16, code: u32, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more, "status": status});
    answer::json(status, &body).because(format!("refused:{code}"))
}

fn coded(code: u32, to: &str, from: &str) -> Response {
    let text = match code {
        20003 => return error(401, code, "Authenticate"),
        20429 => return error(429, code, "Too Many Requests"),
        21211 => format!("The 'To' number {to} is not a valid phone number."),
        21212 => format!(
            "The 'From' number {from} is not a valid phone number, shortcode, or \
                          alphanumeric sender ID."
        ),
        21408 => format!(
            "Permission to send an SMS has not been enabled for the region indicated \
                          by the 'To' number: {to}"
        ),
        21606 => format!(
            "The From phone number {from} is not a valid, SMS-capable inbound phone \
                          number or short code for your account."
        ),
        21610 => "Attempt to send to unsubscribed recipient".to_owned(),
        21611 => format!(
            "This 'From' number {from} has exceeded the maximum number of queued \
                          messages"
        ),
        21612 => "Message cannot be sent with the current combination of 'To' and/or 'From' \
                  parameters"
            .to_owned(),
        21614 => "'To' number is not a valid mobile number".to_owned(),
        _ => "The request could not be processed".to_owned(),
    };
    error(400, code, &text)
}

fn refusal(arrival: &Arrival) -> Option<Response> {
    match &arrival.ruling {
        Ruling::BadKey => Some(coded(20003, "", "")),
        Ruling::Over(_) => Some(coded(20429, "", "")),
        Ruling::Admitted if arrival.has("F87") => Some(coded(20003, "", "").because("fault:F87")),
        Ruling::Admitted => None,
    }
}

/// The numbers that Twilio reserves for tests.
fn magic(to: &str, from: &str) -> Option<u32> {
    match from {
        "+15005550001" => return Some(21212),
        "+15005550007" => return Some(21606),
        "+15005550008" => return Some(21611),
        _ => {}
    }
    match to {
        "+15005550001" => Some(21211),
        "+15005550002" => Some(21612),
        "+15005550003" => Some(21408),
        "+15005550004" => Some(21610),
        "+15005550009" => Some(21614),
        _ => None,
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

fn account_of(call: &Call) -> String {
    call.path.split('/').nth(4).unwrap_or("").to_owned()
}

async fn send(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if let Some(refusal) = refusal(&arrival) {
        return refusal;
    }
    let form = call.form();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let (to, from) = (field("To"), field("From"));
    let service = field("MessagingServiceSid");
    let Some(to) = to else { return error(400, 21604, "A 'To' phone number is required.") };
    if from.is_none() && service.is_none() {
        return error(400, 21603, "A 'From' phone number is required.");
    }
    let Some(body) = field("Body") else { return error(400, 21602, "Message body is required.") };
    let sender = from.as_deref().unwrap_or("");
    if arrival.has("F81") {
        return coded(20429, &to, sender).because("fault:F81");
    }
    if arrival.has("F84") {
        return coded(21610, &to, sender).because("fault:F84");
    }
    if let Some(fault) = arrival.fault("F80") {
        let code = fault.mode.parse().unwrap_or(21211);
        return coded(code, &to, sender).because("fault:F80");
    }
    if let Some(code) = magic(&to, sender) {
        return coded(code, &to, sender);
    }
    if !is_e164(&to) {
        return coded(21211, &to, sender);
    }
    if body.chars().count() > 1_600 {
        let text = "The concatenated message body exceeds the 1600 character limit";
        return error(400, 21617, text);
    }

    let mark = format!("{}/{}", arrival.world.seed, arrival.seq);
    let (high, low) = (hash(mark.as_bytes(), 1), hash(mark.as_bytes(), 2));
    let sms = Sms {
        sid: format!("SM{high:016x}{low:016x}"),
        account: account_of(&call),
        at: arrival.at,
        to,
        from,
        messaging_service_sid: service,
        body,
    };
    let shown = show(&sms, arrival.at);
    app.lock().outbox.sms.push(sms.body.len(), sms);
    if let Some(fault) = arrival.fault("F82") {
        let status = fault.mode.parse().unwrap_or(500);
        return error(status, 20500, "An internal server error has occurred").because("fault:F82");
    }
    answer::json(201, &shown)
}

fn show(sms: &Sms, now: DateTime<Utc>) -> Value {
    let age = now - sms.at;
    let first = if sms.messaging_service_sid.is_some() { "accepted" } else { "queued" };
    let status = match age {
        age if age < TimeDelta::seconds(2) => first,
        age if age < TimeDelta::seconds(5) => "sent",
        _ => "delivered",
    };
    let uri = format!("/2010-04-01/Accounts/{}/Messages/{}.json", sms.account, sms.sid);
    json!({
        "account_sid": sms.account,
        "api_version": "2010-04-01",
        "body": sms.body,
        "date_created": sms.at.to_rfc2822(),
        "date_sent": if status == first { Value::Null } else { json!(sms.at.to_rfc2822()) },
        "date_updated": now.to_rfc2822(),
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": sms.from,
        "messaging_service_sid": sms.messaging_service_sid,
        "num_media": "0",
        "num_segments": sms.body.chars().count().div_ceil(153).max(1).to_string(),
        "price": null,
        "price_unit": "USD",
        "sid": sms.sid,
        "status": status,
        "to": sms.to,
        "uri": uri,
    })
}

/// A day, or a time; GMT.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

async fn list(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if let Some(refusal) = refusal(&arrival) {
        return refusal;
    }
    // `DateSent>=2026-11-20` is the key `DateSent>` with that value.
    let mut bounds = (None, None, None);
    for (name, bound) in
        [("DateSent>", &mut bounds.0), ("DateSent<", &mut bounds.1), ("DateSent", &mut bounds.2)]
    {
        if let Some(text) = call.param(name) {
            let Some(time) = time(text) else {
                return error(400, 20001, &format!("Invalid value for {name}: {text}"));
            };
            *bound = Some(time);
        }
    }
    let (since, until, on) = bounds;
    let account = account_of(&call);
    let size = call.param("PageSize").and_then(|text| text.parse().ok()).unwrap_or(50_usize);
    let size = size.clamp(1, 1_000);
    let number = call.param("Page").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let inner = app.lock();
    let same = |wanted: Option<&str>, value: Option<&str>| wanted.is_none() || wanted == value;
    let found: Vec<_> = (inner.outbox.sms.iter().rev())
        .filter(|sms| sms.account == account)
        .filter(|sms| same(call.param("To"), Some(&sms.to)))
        .filter(|sms| same(call.param("From"), sms.from.as_deref()))
        .filter(|sms| since.is_none_or(|since| sms.at >= since))
        .filter(|sms| until.is_none_or(|until| sms.at <= until))
        .filter(|sms| on.is_none_or(|on| sms.at.date_naive() == on.date_naive()))
        .collect();
    let skip = size.saturating_mul(number);
    let page: Vec<_> =
        found.iter().skip(skip).take(size).map(|sms| show(sms, arrival.at)).collect();
    let base = format!("/2010-04-01/Accounts/{account}/Messages.json?PageSize={size}");
    let more = found.len() > skip.saturating_add(size);
    answer::json(
        200,
        &json!({
            "messages": page,
            "page": number,
            "page_size": size,
            "start": skip,
            "end": (skip + page.len()).saturating_sub(1),
            "uri": format!("{base}&Page={number}"),
            "first_page_uri": format!("{base}&Page=0"),
            "previous_page_uri": null,
            "next_page_uri": more.then(|| format!("{base}&Page={}", number + 1)),
        }),
    )
}

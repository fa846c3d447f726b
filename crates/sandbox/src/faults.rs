//! Faults on demand: the catalog, those that are set, and those that apply to a request.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Provider;
use crate::problem::Problem;
use crate::world::chance;

/// A fault that the sandbox can produce.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: &'static str,
    effect: &'static str,
    on: &'static [Provider],
    /// The first is the default.
    modes: &'static [&'static str],
}

const fn known(
    id: &'static str,
    on: &'static [Provider],
    modes: &'static [&'static str],
    effect: &'static str,
) -> Known {
    Known { id, effect, on, modes }
}

use Provider::{AlphaVantage, Gemini, NewsApi, OpenAi, Rss, Smtp, Twilio, Webhook};

const HTTP: &[Provider] = &[AlphaVantage, NewsApi, Gemini, OpenAi, Twilio, Webhook, Rss];
const MARKET: &[Provider] = &[AlphaVantage];
const NEWS: &[Provider] = &[NewsApi];
const STORIES: &[Provider] = &[NewsApi, Rss, AlphaVantage];
const MODEL: &[Provider] = &[Gemini, OpenAi];
const GEMINI: &[Provider] = &[Gemini];
const SMS: &[Provider] = &[Twilio];
const MAIL: &[Provider] = &[Smtp];

static KNOWN: &[Known] = &[
    known("F02", HTTP, &[], "the answer is held back for `delay` (10 min), whatever it is"),
    known("F03", HTTP, &[], "half a body, then silence for `delay` (10 min)"),
    known("F04", HTTP, &[], "half a body with a whole one's look"),
    known("F05", HTTP, &[], "the request takes effect, then the connection is closed unanswered"),
    known("F06", HTTP, &["503", "500", "502", "504"], "server error before any effect"),
    known("F07", HTTP, &[], "an HTML interstitial with status 200"),
    known("F10", HTTP, &[], "a body of 50 MB"),
    known("F11", HTTP, &[], "the right body under a wrong content type"),
    known(
        "F14",
        HTTP,
        &["seconds", "date", "negative", "absurd"],
        "429 with Retry-After: 8 seconds, the date in 8 seconds, -30, or ten years",
    ),
    known("F20", MARKET, &[], "one-request-per-second notice that also names the day's limit"),
    known("F21", MARKET, &[], "daily notice that echoes the key"),
    known("F22", MARKET, &[], "old `Note` of 5 calls per minute"),
    known("F23", MARKET, &[], "premium endpoint"),
    known("F24", MARKET, &[], "outputsize=full is premium"),
    known("F25", MARKET, &[], "invalid key"),
    known("F26", MARKET, &[], "demo key"),
    known("F27", MARKET, &["empty_object", "empty_quote"], "no data and no reason"),
    known("F28", MARKET, &[], "`Error Message`: invalid API call"),
    known("F29", MARKET, &["none", "dash", "empty", "missing"], "numbers that are none"),
    known("F30", MARKET, &[], "a trading day five sessions old"),
    known("F31", MARKET, &[], "an unadjusted 10:1 split on the newest session"),
    known("F32", MARKET, &[], "news feed with an undocumented label"),
    known("F40", NEWS, &[], "429 rateLimited"),
    known("F41", NEWS, &["429", "401"], "apiKeyExhausted"),
    known("F42", NEWS, &[], "426 maximumResultsReached"),
    known("F43", NEWS, &[], "every second article is `[Removed]`"),
    known("F44", NEWS, &[], "every field is null that may be"),
    known("F45", NEWS, &[], "`from` is too far in the past"),
    known("F46", NEWS, &[], "totalResults beyond what can be had"),
    known("F47", NEWS, &["future", "missing"], "publishedAt in the future, or absent"),
    known("F48", NEWS, &[], "every article twice, the second time under another URL"),
    known("F49", NEWS, &[], "titles that are not English"),
    known("F60", MODEL, &[], "429 per minute with RetryInfo"),
    known("F61", MODEL, &[], "429 per day"),
    known("F62", MODEL, &[], "429 per minute and per day at once"),
    known("F63", MODEL, &[], "429 without details"),
    known("F64", MODEL, &[], "429 with `limit: 0`"),
    known("F65", MODEL, &[], "503 overloaded"),
    known("F66", MODEL, &["PROHIBITED_CONTENT", "SAFETY", "OTHER", "BLOCKLIST"], "prompt blocked"),
    known("F67", MODEL, &["RECITATION", "SAFETY", "PROHIBITED_CONTENT"], "finished without parts"),
    known("F68", MODEL, &[], "MAX_TOKENS and JSON that is cut"),
    known("F69", MODEL, &["fenced", "prose"], "JSON in a code fence, or none at all"),
    known(
        "F70",
        MODEL,
        &["out_of_range", "nan", "string_number", "extra_key", "missing_key", "wrong_enum"],
        "an answer outside the schema",
    ),
    known("F71", MODEL, &[], "404, the model is gone"),
    known("F72", MODEL, &[], "the key is not valid (400 at Gemini, 401 elsewhere)"),
    known("F73", MODEL, &[], "400, thinking parameter refused"),
    known("F74", GEMINI, &[], "thought parts come first"),
    known("F75", MODEL, &[], "the score flips from call to call"),
    known("F76", MODEL, &[], "obeys instructions found in an article"),
    known("F77", GEMINI, &[], "retirementTime in 14 days"),
    known(
        "F80",
        SMS,
        &["21211", "21212", "21408", "21606", "21611", "21612", "21614"],
        "refused with the code that a magic number gives",
    ),
    known("F81", SMS, &[], "429, code 20429"),
    known("F82", SMS, &["500", "502", "503", "504"], "accepted, then a server error"),
    known("F84", SMS, &[], "21610, the recipient replied STOP"),
    known("F85", MAIL, &["451", "421", "450", "452", "550", "552", "554"], "SMTP refusal"),
    known("F86", MAIL, &[], "accepted, then the connection drops without an answer"),
    known("F87", &[Smtp, Twilio], &[], "credentials refused"),
    known(
        "F90",
        STORIES,
        &["plain", "html_comment", "zero_width", "homoglyph", "base64"],
        "instructions to the model inside articles",
    ),
    known("F92", NEWS, &[], "a title of 1 MB"),
    known("F93", NEWS, &[], "one story from 200 outlets"),
];

/// One element of `POST /_sandbox/faults`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    id: String,
    /// A part of path and query.
    #[serde(rename = "match")]
    pattern: Option<String>,
    mode: Option<Value>,
    probability: Option<f64>,
    /// Applies to this many requests.
    count: Option<u64>,
    /// Skips this many matching requests first.
    after: Option<u64>,
    delay: Option<Value>,
}

#[derive(Clone, Debug)]
struct Armed {
    known: &'static Known,
    setting: Setting,
    mode: Option<&'static str>,
    delay: Option<Duration>,
    seen: u64,
    struck: u64,
}

/// A fault that applies to a request.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    pub(crate) id: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) delay: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
}

pub(crate) fn known_ids() -> Value {
    KNOWN.iter().map(|k| k.id).collect()
}

pub(crate) fn catalogue() -> Value {
    let describe = |k: &Known| {
        let on: Vec<_> = k.on.iter().map(|p| p.name()).collect();
        json!({"id": k.id, "effect": k.effect, "providers": on, "modes": k.modes})
    };
    KNOWN.iter().map(describe).collect()
}

/// A number of seconds, or a duration such as `500ms`, `2s`, `30m`, `2h`, `1d`.
pub(crate) fn duration(value: &Value) -> Option<Duration> {
    if let Some(seconds) = value.as_f64() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let text = value.as_str()?.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * factor).ok()
}

fn arm(setting: Setting) -> Result<Armed, Problem> {
    let wrong = |detail: String| Problem::new(detail).with("known", known_ids());
    let Some(known) = KNOWN.iter().find(|k| k.id == setting.id) else {
        return Err(wrong(format!("there is no fault `{}`", setting.id)));
    };
    let mode = match &setting.mode {
        None => None,
        Some(value) => {
            let asked = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mode = known.modes.iter().copied().find(|mode| *mode == asked);
            Some(mode.ok_or_else(|| {
                let modes =
                    if known.modes.is_empty() { "none".to_owned() } else { known.modes.join(", ") };
                wrong(format!("{} has no mode `{asked}`; its modes: {modes}", known.id))
            })?)
        }
    };
    if setting.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return Err(wrong(format!("{}: `probability` is to lie between 0 and 1", known.id)));
    }
    let delay = match &setting.delay {
        None | Some(Value::Null) => None,
        Some(value) => Some(duration(value).ok_or_else(|| {
            wrong(format!("{}: `delay` is to be seconds or a text such as \"500ms\"", known.id))
        })?),
    };
    Ok(Armed { known, setting, mode, delay, seen: 0, struck: 0 })
}

impl Faults {
    pub(crate) fn new(settings: Vec<Setting>) -> Result<Self, Problem> {
        let armed = settings.into_iter().map(arm).collect::<Result<_, _>>()?;
        Ok(Self { armed })
    }

    /// For the sandbox's own profiles, whose ids are known.
    pub(crate) fn of_profile(settings: &Value) -> Self {
        let settings = serde_json::from_value(settings.clone()).expect("profiles fit the format");
        Self::new(settings).expect("profiles name known faults")
    }

    pub(crate) fn len(&self) -> usize {
        self.armed.len()
    }

    /// All faults that apply to this request, in the order in which they were set.
    pub(crate) fn strike(&mut self, seed: u64, provider: Provider, target: &str) -> Vec<Fired> {
        let mut fired = Vec::new();
        for (index, armed) in self.armed.iter_mut().enumerate() {
            let setting = &armed.setting;
            let here = armed.known.on.contains(&provider)
                && setting.pattern.as_ref().is_none_or(|part| target.contains(part.as_str()));
            if !here {
                continue;
            }
            armed.seen += 1;
            if armed.seen <= setting.after.unwrap_or(0)
                || setting.count.is_some_and(|count| armed.struck >= count)
            {
                continue;
            }
            if let Some(probability) = setting.probability {
                let dice = format!("fault/{index}/{}", armed.known.id);
                if chance(seed, &dice, armed.seen as i64).random::<f64>() >= probability {
                    continue;
                }
            }
            armed.struck += 1;
            fired.push(Fired {
                id: armed.known.id,
                mode: armed.mode.or(armed.known.modes.first().copied()).unwrap_or(""),
                delay: armed.delay,
            });
        }
        fired
    }

    pub(crate) fn to_json(&self) -> Value {
        let show = |a: &Armed| {
            json!({
                "id": a.known.id,
                "effect": a.known.effect,
                "match": a.setting.pattern,
                "mode": a.mode,
                "probability": a.setting.probability,
                "count": a.setting.count,
                "after": a.setting.after,
                "delay": a.delay.map(|d| d.as_secs_f64()),
                "seen": a.seen,
                "struck": a.struck,
            })
        };
        self.armed.iter().map(show).collect()
    }
}

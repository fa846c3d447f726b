//! Faults on demand: the catalog, those that are set, and those that apply to a request.

use std::sync::LazyLock;
use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::IMITATIONS;
use crate::imitation::Provider;
use crate::problem::Problem;
use crate::world::chance;

/// Providers of one kind have these faults in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Http,
    /// Providers of articles.
    Stories,
    Model,
    /// Services that check a user and a password.
    Login,
}

/// A fault that the sandbox can produce.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: &'static str,
    effect: &'static str,
    /// `None`: a fault of the one provider that lists it.
    on: Option<Class>,
    /// The first is the default.
    modes: &'static [&'static str],
}

/// A fault of one provider, for its [`crate::imitation::Imitation`].
pub(crate) const fn known(
    id: &'static str,
    modes: &'static [&'static str],
    effect: &'static str,
) -> Known {
    Known { id, effect, on: None, modes }
}

const fn shared(
    id: &'static str,
    on: Class,
    modes: &'static [&'static str],
    effect: &'static str,
) -> Known {
    Known { id, effect, on: Some(on), modes }
}

static SHARED: &[Known] = &[
    shared("F02", Class::Http, &[], "the answer is held back for `delay` (10 min), whatever it is"),
    shared("F03", Class::Http, &[], "half a body, then silence for `delay` (10 min)"),
    shared("F04", Class::Http, &[], "half a body with a whole one's look"),
    shared(
        "F05",
        Class::Http,
        &[],
        "the request takes effect, then the connection is closed unanswered",
    ),
    shared("F06", Class::Http, &["503", "500", "502", "504"], "server error before any effect"),
    shared("F07", Class::Http, &[], "an HTML interstitial with status 200"),
    shared("F10", Class::Http, &[], "a body of 50 MB"),
    shared("F11", Class::Http, &[], "the right body under a wrong content type"),
    shared(
        "F14",
        Class::Http,
        &["seconds", "date", "negative", "absurd"],
        "429 with Retry-After: 8 seconds, the date in 8 seconds, -30, or ten years",
    ),
    shared("F60", Class::Model, &[], "429 per minute with RetryInfo"),
    shared("F61", Class::Model, &[], "429 per day"),
    shared("F62", Class::Model, &[], "429 per minute and per day at once"),
    shared("F63", Class::Model, &[], "429 without details"),
    shared("F64", Class::Model, &[], "429 with `limit: 0`"),
    shared("F65", Class::Model, &[], "503 overloaded"),
    shared(
        "F66",
        Class::Model,
        &["PROHIBITED_CONTENT", "SAFETY", "OTHER", "BLOCKLIST"],
        "prompt blocked",
    ),
    shared(
        "F67",
        Class::Model,
        &["RECITATION", "SAFETY", "PROHIBITED_CONTENT"],
        "finished without parts",
    ),
    shared("F68", Class::Model, &[], "MAX_TOKENS and JSON that is cut"),
    shared("F69", Class::Model, &["fenced", "prose"], "JSON in a code fence, or none at all"),
    shared(
        "F70",
        Class::Model,
        &["out_of_range", "nan", "string_number", "extra_key", "missing_key", "wrong_enum"],
        "an answer outside the schema",
    ),
    shared("F71", Class::Model, &[], "404, the model is gone"),
    shared("F72", Class::Model, &[], "the key is not valid (400 at Gemini, 401 elsewhere)"),
    shared("F73", Class::Model, &[], "400, thinking parameter refused"),
    shared("F75", Class::Model, &[], "the score flips from call to call"),
    shared("F76", Class::Model, &[], "obeys instructions found in an article"),
    shared("F87", Class::Login, &[], "credentials refused"),
    shared(
        "F90",
        Class::Stories,
        &["plain", "html_comment", "zero_width", "homoglyph", "base64"],
        "instructions to the model inside articles",
    ),
];

/// Every fault, by id.
static KNOWN: LazyLock<Vec<&'static Known>> = LazyLock::new(|| {
    let own = IMITATIONS.iter().flat_map(|provider| provider.faults);
    let mut all: Vec<_> = SHARED.iter().chain(own).collect();
    all.sort_by_key(|known| known.id);
    all
});

impl Known {
    fn is_of(&self, provider: Provider) -> bool {
        match self.on {
            Some(class) => provider.classes.contains(&class),
            None => provider.faults.iter().any(|own| own.id == self.id),
        }
    }
}

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
    let describe = |k: &&Known| {
        let on = IMITATIONS.iter().filter(|provider| k.is_of(provider));
        let on: Vec<_> = on.map(|provider| provider.name).collect();
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
    let Some(known) = KNOWN.iter().copied().find(|k| k.id == setting.id) else {
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
            let here = armed.known.is_of(provider)
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

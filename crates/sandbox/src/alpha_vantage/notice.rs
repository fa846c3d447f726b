//! Notices that Alpha Vantage sends instead of data, always with status 200.

use serde_json::{Value, json};

use crate::app::{Arrival, Ruling};
use crate::call::Call;

/// A body that is sent instead of data.
pub(super) fn notice(call: &Call, arrival: &Arrival) -> Option<Value> {
    let key = arrival.identity.key.as_deref().unwrap_or("");
    match &arrival.ruling {
        Ruling::BadKey => return Some(bad_key()),
        Ruling::Over(broken) => {
            let day = arrival.limit_of("alpha_vantage", "per_day");
            let burst = broken.iter().any(|b| b.rule.name == "per_second");
            return Some(if burst { burst_notice(day) } else { daily_notice(key, day) });
        }
        Ruling::Admitted => {}
    }
    let day = arrival.limit_of("alpha_vantage", "per_day");
    let function = call.param("function").unwrap_or("");
    let faults: [(&str, &dyn Fn() -> Value); 9] = [
        ("F20", &|| burst_notice(day)),
        ("F21", &|| daily_notice(key, day)),
        ("F22", &|| {
            json!({"Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 \
                calls per minute and 500 calls per day. Please visit \
                https://www.alphavantage.co/premium/ if you would like to target a higher API call \
                frequency."})
        }),
        ("F23", &premium),
        ("F24", &outputsize_premium),
        ("F25", &bad_key),
        ("F26", &|| {
            json!({"Information": "The **demo** API key is for demo purposes only. Please claim your \
                free API key at (https://www.alphavantage.co/support/#api-key) to explore our full \
                API offerings. It takes fewer than 20 seconds."})
        }),
        ("F27", &|| match arrival.fault("F27").map(|f| f.mode) {
            Some("empty_quote") if function == "GLOBAL_QUOTE" => json!({"Global Quote": {}}),
            _ => json!({}),
        }),
        ("F28", &|| invalid_call(function)),
    ];
    faults.iter().find(|(id, _)| arrival.has(id)).map(|(_, body)| body())
}

fn burst_notice(day: u64) -> Value {
    json!({"Information": format!("Thank you for using Alpha Vantage! Please consider spreading out \
        your free API requests more sparingly (1 request per second). You may subscribe to any of \
        the premium plans at https://www.alphavantage.co/premium/ to lift the free key rate limit \
        ({day} requests per day), raise the per-second burst limit, and instantly unlock all \
        premium endpoints")})
}

fn daily_notice(key: &str, day: u64) -> Value {
    json!({"Information": format!("We have detected your API key as {key} and our standard API rate \
        limit is {day} requests per day. Please subscribe to any of the premium plans at \
        https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.")})
}

pub(super) fn premium() -> Value {
    json!({"Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may \
        subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly \
        unlock all premium endpoints"})
}

pub(super) fn outputsize_premium() -> Value {
    json!({"Information": "The outputsize=full parameter value is a premium feature for the \
        TIME_SERIES_DAILY endpoint. You may subscribe to any of the premium plans at \
        https://www.alphavantage.co/premium/ to instantly unlock all premium features"})
}

fn bad_key() -> Value {
    json!({"Error Message": "the parameter apikey is invalid or missing. Please claim your free API \
        key on (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."})
}

pub(super) fn invalid_call(function: &str) -> Value {
    json!({"Error Message": format!("Invalid API call. Please retry or visit the documentation \
        (https://www.alphavantage.co/documentation/) for {function}.")})
}

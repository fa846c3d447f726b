//! Models, as the sandbox imitates them, and keys that are wrong.

use bellwether_providers::{
    Error, Free, Settings, StopReason,
    alpha_vantage::AlphaVantage,
    gemini::{self, Gemini, Reading},
};

use crate::{
    outside::{Outside, verdict},
    support::{now, prompt},
};

fn in_range(reading: &Reading) -> bool {
    (-1.0..=1.0).contains(&reading.sentiment)
        && (0.0..=1.0).contains(&reading.confidence)
        && (0.0..=1.0).contains(&reading.relevance)
        && reading.usage.input > 0
        && reading.usage.output > 0
}

#[tokio::test]
async fn a_model_reads_an_article() {
    let outside = Outside::start().await;
    let reading = outside.gemini().read(&prompt(), &Free).await.unwrap();
    assert!(in_range(&reading), "{reading:?}");
    assert_eq!(reading.model_version, gemini::DEFAULT_MODEL);
    assert_eq!(reading.retirement_time, None);
    let reading = outside.openai().read(&prompt(), &Free).await.unwrap();
    assert!(in_range(&reading), "{reading:?}");

    outside.fault("F77").await;
    let reading = outside.gemini().read(&prompt(), &Free).await.unwrap();
    let left = reading.retirement_time.unwrap() - now();
    assert_eq!(left.num_days(), 14, "{reading:?}");
    outside.fault("F74").await;
    assert!(outside.gemini().read(&prompt(), &Free).await.is_ok(), "thoughts are no answer");
}

#[tokio::test]
async fn each_fault_of_a_model_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let cases = [
        ("F60", "throttled minute", "throttled minute"),
        ("F61", "throttled day", "throttled day"),
        ("F62", "throttled day", "throttled unknown"),
        ("F63", "throttled unknown", "throttled unknown"),
        ("F64", "stopped not_entitled", "stopped not_entitled"),
        ("F65", "transient", "transient"),
        ("F66", "refused blocked_prohibited_content", "refused blocked_content_filter"),
        ("F67", "refused blocked_recitation", "refused blocked_content_filter"),
        ("F68", "unusable max_tokens", "unusable max_tokens"),
        ("F69/prose", "unusable invalid_output", "unusable invalid_output"),
        ("F70/out_of_range", "unusable invalid_output", "unusable invalid_output"),
        ("F70/nan", "unusable invalid_output", "unusable invalid_output"),
        ("F70/string_number", "unusable invalid_output", "unusable invalid_output"),
        ("F70/extra_key", "unusable invalid_output", "unusable invalid_output"),
        ("F70/missing_key", "unusable invalid_output", "unusable invalid_output"),
        ("F70/wrong_enum", "unusable invalid_output", "unusable invalid_output"),
        ("F71", "stopped model_gone", "stopped model_gone"),
        ("F72", "stopped bad_key", "stopped bad_key"),
        ("F73", "unusable thinking_config", "refused bad_request"),
    ];
    for (fault, of_gemini, of_openai) in cases {
        // a model each: it allows 15 requests a minute
        let settings = outside.settings("/gemini");
        let model = format!("gemini-3.5-{}", fault.replace('/', "-").to_lowercase());
        let gemini = Gemini::new(&settings, &model).unwrap();
        outside.fault(fault).await;
        let result = gemini.read(&prompt(), &Free).await;
        assert_eq!(verdict(&result), of_gemini, "{fault}: {result:?}");
        outside.fault(fault).await;
        let result = outside.openai().read(&prompt(), &Free).await;
        assert_eq!(verdict(&result), of_openai, "{fault}: {result:?}");
    }
}

#[tokio::test]
async fn a_refused_thinking_setting_is_left_out_the_next_time() {
    let outside = Outside::start().await;
    let gemini = outside.gemini();
    outside.fault("F73").await;
    assert_eq!(verdict(&gemini.read(&prompt(), &Free).await), "unusable thinking_config");
    assert!(in_range(&gemini.reread(&prompt(), 1, &Free).await.unwrap()));
}

#[tokio::test]
async fn a_wrong_key_stops_its_limit_key() {
    let outside = Outside::start().await;
    let wrong = |path: &str| Settings { key: "invalid".into(), ..outside.settings(path) };
    let market = AlphaVantage::new(&wrong("/alphavantage")).unwrap();
    let gemini = Gemini::new(&wrong("/gemini"), "gemini-3.5-flash-lite").unwrap();
    let result = market.quote("AAPL", &Free).await;
    let Err(Error::Stopped { key, reason, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), reason), ("alpha_vantage", StopReason::BadKey));
    let result = gemini.read(&prompt(), &Free).await;
    let Err(Error::Stopped { key, reason, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), reason), ("gemini/gemini-3.5-flash-lite", StopReason::BadKey));
}

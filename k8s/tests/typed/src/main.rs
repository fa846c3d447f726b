//! Reads objects of operators into the types of their kinds: `bellwether-k8s-typed < objects.json`.
//! An unknown field, one of another type, one that is missing and a kind without a type here are each
//! an error.

use std::{io, process::ExitCode};

use kcr_external_secrets_io::v1::externalsecrets::ExternalSecretSpec;
use kcr_gateway_networking_k8s_io::v1::{gateways::GatewaySpec, httproutes::HttpRouteSpec};
use kcr_keda_sh::v1alpha1::{
    scaledobjects::ScaledObjectSpec, triggerauthentications::TriggerAuthenticationSpec,
};
use kcr_monitoring_coreos_com::v1::{
    podmonitors::PodMonitorSpec, prometheusrules::PrometheusRuleSpec,
};
use kcr_postgresql_cnpg_io::v1::{
    clusters::ClusterSpec, poolers::PoolerSpec, scheduledbackups::ScheduledBackupSpec,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Errors in a spec as one of `T`.
fn read<T: DeserializeOwned>(spec: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let taken: Result<T, _> = serde_ignored::deserialize(spec, |path| {
        // what is optional stands as `?` in a path
        let path = path.to_string().replace(".?", "");
        wrong.push(format!("there is no field spec.{path}"));
    });
    wrong.extend(taken.err().map(|e| e.to_string()));
    wrong
}

fn misfits(object: &Value) -> Vec<String> {
    let word = |key: &str| object[key].as_str().unwrap_or_default();
    let spec = &object["spec"];
    match (word("apiVersion"), word("kind")) {
        ("external-secrets.io/v1", "ExternalSecret") => read::<ExternalSecretSpec>(spec),
        ("gateway.networking.k8s.io/v1", "Gateway") => read::<GatewaySpec>(spec),
        ("gateway.networking.k8s.io/v1", "HTTPRoute") => read::<HttpRouteSpec>(spec),
        ("keda.sh/v1alpha1", "ScaledObject") => read::<ScaledObjectSpec>(spec),
        ("keda.sh/v1alpha1", "TriggerAuthentication") => read::<TriggerAuthenticationSpec>(spec),
        ("monitoring.coreos.com/v1", "PodMonitor") => read::<PodMonitorSpec>(spec),
        ("monitoring.coreos.com/v1", "PrometheusRule") => read::<PrometheusRuleSpec>(spec),
        ("postgresql.cnpg.io/v1", "Cluster") => read::<ClusterSpec>(spec),
        ("postgresql.cnpg.io/v1", "Pooler") => read::<PoolerSpec>(spec),
        ("postgresql.cnpg.io/v1", "ScheduledBackup") => read::<ScheduledBackupSpec>(spec),
        (version, kind) => vec![format!("there is no type for {version} {kind}")],
    }
}

fn main() -> ExitCode {
    let objects: Vec<Value> = match serde_json::from_reader(io::stdin().lock()) {
        Ok(objects) => objects,
        Err(e) => {
            eprintln!("no list of objects: {e}");
            return ExitCode::from(2);
        }
    };
    let mut wrong = 0;
    for object in &objects {
        for says in misfits(object) {
            wrong += 1;
            eprintln!("{}/{}: {says}", object["kind"], object["metadata"]["name"]);
        }
    }
    if wrong > 0 || objects.is_empty() {
        return ExitCode::FAILURE;
    }
    println!("{} hold", objects.len());
    ExitCode::SUCCESS
}

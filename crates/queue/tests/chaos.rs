//! All faults once, while four worker processes are at work: the server crashes, every session is
//! ended, every connection is taken, a worker is killed, another one is frozen beyond its death
//! while its claim waits for a lock. `just chaos 600` runs longer.
#[path = "support/example.rs"]
mod example;

use example::example;

#[test]
#[expect(clippy::disallowed_methods, reason = "given to a test by hand")]
fn chaos_loses_no_job_doubles_no_effect_and_leaves_no_run_unexplained() {
    let output = example("chaos").arg("0").args(std::env::var("QUEUE_SEED")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("it has rescued no job"), "an outage is no death: {said}");
    let verdict = "nothing lost, nothing done twice, every repeated run explained";
    assert!(said.contains(verdict), "{said}");
}

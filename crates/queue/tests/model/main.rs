//! A model of the lease protocol. A checker visits every state within small bounds: two jobs, two
//! processes, two attempts at each job, one limit key, and two or three faults in any order. The model
//! stands beside the code and does not run it; its names are those of `functions/04_claim.sql`,
//! `functions/05_end.sql` and `src/process`.
//!
//! A statement is one step, because it locks the rows that it writes. `complete_in` and its commit are
//! one step too, because the job's row stays locked between them. A step may come at any time: a paused
//! process takes no step while others do, and its late reports are among the states.

mod cluster;

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use cluster::{
    Action::{self, *},
    Attempt, Cluster, Database, Outcome, Process, State, Step,
};
use stateright::{Checker, Model, Property};

const ONCE: &str = "the effect of a handler's transaction is applied at most once";
const FENCED: &str = "a report of an attempt that lost its lease changes nothing";
const NOT_LOST: &str = "no step is left only when every job has ended";
const PERMITTED: &str = "no more calls are in flight than permits are granted";

/// The protocol, or a mutant of it.
#[derive(Clone, Copy, Debug)]
struct Protocol {
    /// A report names the process and the lease. False: it names only the job, in whatever state.
    fence: bool,
    /// Lease numbers come from a sequence in the database, not from the memory of the process.
    sequence: bool,
    /// False: the server runs with `synchronous_commit = off`, and a crash loses the commits since the
    /// last flush. The queue never sets this; an operator may.
    synchronous: bool,
    /// Calls in flight that the limit key allows.
    permits: usize,
    /// Faults, commands, and ends of handlers other than completion: so many in one run.
    faults: u8,
}

impl Model for Protocol {
    type State = Cluster;
    type Action = Action;

    fn init_states(&self) -> Vec<Cluster> {
        let alive = std::array::from_fn(|identity| identity < 2);
        let db = Database { alive, ..Database::default() };
        let processes = [0, 1].map(|identity| Process { identity, ..Process::default() });
        let (disk, faults) = (db.clone(), self.faults);
        vec![Cluster { db, disk, processes, faults, identities: 2, ..Cluster::default() }]
    }

    fn actions(&self, cluster: &Cluster, out: &mut Vec<Action>) {
        cluster.engine(*self, out);
        if cluster.faults > 0 {
            cluster.faults(out);
        }
    }

    fn next_state(&self, cluster: &Cluster, action: Action) -> Option<Cluster> {
        let mut next = cluster.clone();
        next.faults -= u8::from(match action {
            Claim(_, _, answered) | CompleteIn(_, answered) | Write(_, answered) => !answered,
            Finish(_, outcome) => outcome != Outcome::Complete,
            Declare(identity) => cluster.is_used(identity),
            Kill(_) | Cancel(_) | Crash => true,
            _ => false,
        });
        match action {
            Claim(process, job, answered) => {
                let owner = &mut next.processes[process];
                let counter = if self.sequence { &mut next.db.sequence } else { &mut owner.leases };
                *counter += 1;
                let lease = (owner.identity, *counter);
                next.claims[job] += 1;
                let claim = next.claims[job];
                next.db.jobs[job].attempts += 1;
                next.db.jobs[job].state = State::Running { lease, claim, cancel: false };
                if answered {
                    next.attempts.insert(Attempt { process, job, claim, lease, step: Step::Ready });
                } else {
                    owner.unconfirmed.insert(lease.1);
                }
            }
            Call(attempt) => next.advance(attempt, Some(Step::Calling)),
            CompleteIn(attempt, answered) => {
                if let Some(job) = next.owned(attempt, self.fence) {
                    job.effects += 1;
                    job.state = State::Completed;
                }
                // A handler whose commit is not answered returns the error.
                next.advance(attempt, (!answered).then_some(Step::Reporting(Outcome::Fail)));
            }
            Finish(attempt, outcome) => {
                // After a 429 the handler parks the key.
                next.db.parked |= outcome == Outcome::Throttle;
                next.advance(attempt, Some(Step::Reporting(outcome)));
            }
            Write(attempt, answered) => {
                let Step::Reporting(outcome) = attempt.step else { return None };
                if let Some(job) = next.owned(attempt, self.fence) {
                    match outcome {
                        Outcome::Complete => job.state = State::Completed,
                        Outcome::Fail => job.end(true, State::Scheduled),
                        Outcome::Snooze => job.end(false, State::Scheduled),
                        Outcome::Throttle => job.end(false, State::Available),
                    }
                }
                next.advance(attempt, (!answered).then_some(attempt.step));
            }
            Promote(job) => next.db.jobs[job].state = State::Available,
            Unpark => next.db.parked = false,
            Rescue(job) => {
                let State::Running { claim, .. } = next.db.jobs[job].state else { return None };
                next.db.held.insert((job, claim));
                next.db.jobs[job].end(true, State::Available);
            }
            Settle(job, claim) => {
                next.db.held.remove(&(job, claim));
                let late = |a: &&Attempt| (a.job, a.claim) == (job, claim) && a.step < Step::Called;
                if let Some(attempt) = cluster.attempts.iter().find(late) {
                    next.advance(*attempt, Some(Step::Called));
                }
            }
            GiveBack(process, job) => {
                let State::Running { lease, .. } = next.db.jobs[job].state else { return None };
                // Its job was never begun, and no attempt is spent.
                let unconfirmed = next.processes[process].unconfirmed.remove(&lease.1);
                next.db.jobs[job].end(!unconfirmed, State::Available);
            }
            RegisterAnew(process) => next.register(process),
            Declare(identity) => next.db.alive[identity] = false,
            Kill(process) => {
                next.attempts.retain(|attempt| attempt.process != process);
                next.processes[process].leases = 0;
                next.register(process);
            }
            Cancel(job) => match &mut next.db.jobs[job].state {
                State::Running { cancel, .. } => *cancel = true,
                waiting => *waiting = State::Cancelled,
            },
            Flush => {}
            Crash => next.db = next.disk.clone(),
        }
        if self.synchronous || action == Flush {
            next.disk = next.db.clone();
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, cluster: &Cluster| {
                cluster.db.jobs.iter().all(|job| job.effects <= 1)
            }),
            Property::always(FENCED, |_, cluster: &Cluster| !cluster.late_report),
            Property::always(NOT_LOST, |protocol: &Self, cluster: &Cluster| {
                let mut steps = Vec::new();
                cluster.engine(*protocol, &mut steps);
                !steps.is_empty() || cluster.db.jobs.iter().all(|job| job.ended())
            }),
            Property::always(PERMITTED, |protocol: &Self, cluster: &Cluster| {
                let calls = cluster.attempts.iter().filter(|a| a.step == Step::Calling).count();
                calls <= cluster.granted() && cluster.granted() <= protocol.permits
            }),
            Property::sometimes("two attempts at one job are at work", |_, cluster: &Cluster| {
                let jobs: BTreeSet<_> = cluster.attempts.iter().map(|a| a.job).collect();
                cluster.attempts.len() > jobs.len()
                    && cluster.attempts.iter().all(Attempt::is_at_work)
            }),
        ]
    }
}

const PROTOCOL: Protocol =
    Protocol { fence: true, sequence: false, synchronous: true, permits: 1, faults: 3 };

/// Visits every state, breadth first, and prints how many there are.
fn check(protocol: Protocol) -> impl Checker<Protocol> {
    let began = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    let (states, seconds) = (checker.unique_state_count(), began.elapsed().as_secs_f64());
    println!("{states} unique states in {seconds:.1} s: {protocol:?}");
    checker
}

/// True if no run returns to a state. `known`: states, and true once all runs from there are known to end.
fn every_run_ends(from: Cluster, known: &mut HashMap<Cluster, bool>) -> bool {
    if let Some(ends) = known.get(&from) {
        return *ends;
    }
    known.insert(from.clone(), false);
    let ends = PROTOCOL.next_states(&from).into_iter().all(|next| every_run_ends(next, known));
    known.insert(from, ends);
    ends
}

#[test]
fn every_state_of_the_lease_protocol_keeps_its_promises() {
    check(PROTOCOL).assert_properties();
    // No run is endless, so each reaches a state where no step is left.
    let first = Protocol { faults: 2, ..PROTOCOL }.init_states().remove(0);
    assert!(every_run_ends(first, &mut HashMap::new()));
}

#[test]
fn two_calls_at_once_keep_the_promises() {
    check(Protocol { permits: 2, faults: 2, ..PROTOCOL }).assert_properties();
}

#[test]
fn without_a_fence_an_effect_is_applied_twice() {
    check(Protocol { fence: false, faults: 1, ..PROTOCOL }).assert_any_discovery(ONCE);
}

#[test]
fn reused_lease_numbers_let_a_late_report_through() {
    // The crash loses the newest value of the sequence, and the process keeps its identity.
    let lossy = Protocol { synchronous: false, faults: 1, ..PROTOCOL };
    check(Protocol { sequence: true, ..lossy }).assert_any_discovery(FENCED);
    // The counter in memory survives it. Only the ledger forgets a grant whose call is in flight.
    let counted = check(lossy);
    for kept in [ONCE, FENCED, NOT_LOST] {
        counted.assert_no_discovery(kept);
    }
    counted.assert_any_discovery(PERMITTED);
}

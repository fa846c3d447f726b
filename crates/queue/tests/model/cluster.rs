//! A state of the model: the database, the processes and their attempts, and the steps that can come next.

use std::collections::BTreeSet;

use Action::*;

use crate::Protocol;

const MAX_ATTEMPTS: u8 = 2;
/// Two processes, and a new identity after each fault.
const IDENTITIES: usize = 6;

/// Identity of a process, new at every registration, and number of the claim.
pub(crate) type Lease = (usize, u8);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum State {
    #[default]
    Available,
    /// `claim` counts the claims of the job. Properties compare it; the protocol does not know it.
    Running {
        lease: Lease,
        claim: u8,
        cancel: bool,
    },
    /// Snoozed, or waiting for its backoff.
    Scheduled,
    Completed,
    Cancelled,
    Discarded,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) state: State,
    pub(crate) attempts: u8,
    /// Number of times that the effect of a handler's transaction was applied.
    pub(crate) effects: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) jobs: [Job; 2],
    /// Identities that are registered and not marked dead.
    pub(crate) alive: [bool; IDENTITIES],
    pub(crate) parked: bool,
    /// Calls of rescued attempts that may be under way, by job and claim: settlements in the future.
    pub(crate) held: BTreeSet<(usize, u8)>,
    pub(crate) sequence: u8,
}

/// The memory of a process, besides its attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) identity: usize,
    pub(crate) leases: u8,
    pub(crate) unconfirmed: BTreeSet<u8>,
}

/// A claimed job in the memory of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Attempt {
    pub(crate) process: usize,
    pub(crate) job: usize,
    pub(crate) claim: u8,
    pub(crate) lease: Lease,
    pub(crate) step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Has a permit, and has made no call.
    Ready,
    /// Its call is in flight until the handler ends, or until the time for it has passed.
    Calling,
    /// Its call may no longer be in flight, and the handler goes on.
    Called,
    /// The handler has ended; the completer sends the report until an answer comes.
    Reporting(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Complete,
    Fail,
    Snooze,
    Throttle,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cluster {
    pub(crate) db: Database,
    /// The part of `db` that a crash leaves.
    pub(crate) disk: Database,
    pub(crate) processes: [Process; 2],
    pub(crate) attempts: BTreeSet<Attempt>,
    /// Faults that may still happen.
    pub(crate) faults: u8,
    /// Claims of each job and identities so far. No crash sets them back.
    pub(crate) claims: [u8; 2],
    pub(crate) identities: usize,
    /// A report has changed a job that its attempt did not own.
    pub(crate) late_report: bool,
}

/// A step of one actor. `bool`: the statement is answered; false: it commits, the server crashes, and
/// the reply is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// A process claims a job.
    Claim(usize, usize, bool),
    Call(Attempt),
    /// The handler commits its effect together with `complete_in`.
    CompleteIn(Attempt, bool),
    /// The handler ends, and leaves the outcome to the completer.
    Finish(Attempt, Outcome),
    /// The completer writes a report.
    Write(Attempt, bool),
    /// The time of a scheduled job comes.
    Promote(usize),
    /// The time until which the key is parked passes.
    Unpark,
    /// A peer ends an attempt of a process that is missing or dead.
    Rescue(usize),
    /// The time of a settlement passes: by then the call has timed out, or its permit has expired.
    Settle(usize, u8),
    /// A process ends a running row of its own for which it has no attempt.
    GiveBack(usize, usize),
    RegisterAnew(usize),
    /// A peer marks an identity dead. Its process may be alive.
    Declare(usize),
    /// A process is killed and started again.
    Kill(usize),
    Cancel(usize),
    Flush,
    Crash,
}

impl Job {
    pub(crate) fn ended(self) -> bool {
        matches!(self.state, State::Completed | State::Cancelled | State::Discarded)
    }

    /// Ends an attempt that did not complete the job: `goes` in `end_attempt`.
    pub(crate) fn end(&mut self, spent: bool, then: State) {
        self.state = match self.state {
            State::Running { cancel: true, .. } => State::Cancelled,
            _ if spent && self.attempts >= MAX_ATTEMPTS => State::Discarded,
            _ => then,
        };
        self.attempts -= u8::from(!spent);
    }
}

impl Attempt {
    pub(crate) fn is_at_work(&self) -> bool {
        matches!(self.step, Step::Calling | Step::Called)
    }
}

impl Cluster {
    /// Calls that the ledger counts as in flight.
    pub(crate) fn granted(&self) -> usize {
        let running = |job: &&Job| matches!(job.state, State::Running { .. });
        self.db.jobs.iter().filter(running).count() + self.db.held.len()
    }

    /// True if a process uses this identity now.
    pub(crate) fn is_used(&self, identity: usize) -> bool {
        self.processes.iter().any(|process| process.identity == identity)
    }

    pub(crate) fn register(&mut self, process: usize) {
        self.db.alive[self.identities] = true;
        self.processes[process].identity = self.identities;
        self.processes[process].unconfirmed.clear();
        self.identities += 1;
    }

    /// Moves an attempt on; `None`: its process forgets it.
    pub(crate) fn advance(&mut self, attempt: Attempt, step: Option<Step>) {
        self.attempts.remove(&attempt);
        self.attempts.extend(step.map(|step| Attempt { step, ..attempt }));
    }

    /// Returns the job if a report of this attempt finds it.
    pub(crate) fn owned(&mut self, attempt: Attempt, fence: bool) -> Option<&mut Job> {
        let job = &mut self.db.jobs[attempt.job];
        let (holds, owns) = match job.state {
            State::Running { lease, claim, .. } => (lease == attempt.lease, claim == attempt.claim),
            _ => (false, false),
        };
        self.late_report |= (holds || !fence) && !owns;
        (holds || !fence).then_some(job)
    }

    /// Steps by which a run goes on without faults.
    pub(crate) fn engine(&self, protocol: Protocol, out: &mut Vec<Action>) {
        let db = &self.db;
        for (i, process) in self.processes.iter().enumerate() {
            if !db.alive[process.identity] {
                out.push(RegisterAnew(i));
            } else if !db.parked && self.granted() < protocol.permits {
                // Until the first claim the processes are alike: it is made by process 0.
                let first = db.jobs.iter().position(|job| job.state == State::Available);
                let first = first.filter(|_| i == 0 || self.claims != [0; 2]);
                out.extend(first.map(|job| Claim(i, job, true)));
            }
        }
        for attempt in &self.attempts {
            match attempt.step {
                Step::Ready => out.push(Call(*attempt)),
                Step::Reporting(_) => out.push(Write(*attempt, true)),
                _ => out.extend([CompleteIn(*attempt, true), Finish(*attempt, Outcome::Complete)]),
            }
        }
        for (i, job) in db.jobs.iter().enumerate() {
            match job.state {
                State::Scheduled => out.push(Promote(i)),
                State::Running { lease, .. } if !db.alive[lease.0] => out.push(Rescue(i)),
                State::Running { lease, .. } => {
                    let known = self.attempts.iter().any(|a| a.job == i && a.lease == lease);
                    let owner = self.processes.iter().position(|p| p.identity == lease.0);
                    out.extend(owner.filter(|_| !known).map(|owner| GiveBack(owner, i)));
                }
                _ => {}
            }
        }
        let silent = |identity: &usize| db.alive[*identity] && !self.is_used(*identity);
        out.extend((0..IDENTITIES).filter(silent).map(Declare));
        out.extend(db.held.iter().map(|(job, claim)| Settle(*job, *claim)));
        out.extend(db.parked.then_some(Unpark));
        out.extend((self.disk != self.db).then_some(Flush));
    }

    /// Faults, commands, and ends of handlers other than completion. `out`: the steps of the engine.
    pub(crate) fn faults(&self, out: &mut Vec<Action>) {
        let unanswered = |step: &Action| match *step {
            Claim(process, job, _) => Some(Claim(process, job, false)),
            CompleteIn(attempt, _) => Some(CompleteIn(attempt, false)),
            Write(attempt, _) => Some(Write(attempt, false)),
            _ => None,
        };
        out.extend(out.iter().filter_map(unanswered).collect::<Vec<_>>());
        out.extend((self.disk != self.db).then_some(Crash));
        for attempt in self.attempts.iter().filter(|attempt| attempt.is_at_work()) {
            let ends = [Outcome::Fail, Outcome::Snooze, Outcome::Throttle];
            out.extend(ends.map(|outcome| Finish(*attempt, outcome)));
        }
        // A process without attempts and unanswered claims would only register anew.
        let busy = |i: &usize| {
            let unconfirmed = !self.processes[*i].unconfirmed.is_empty();
            unconfirmed || self.attempts.iter().any(|attempt| attempt.process == *i)
        };
        for process in (0..2).filter(busy) {
            let identity = self.processes[process].identity;
            out.extend(self.db.alive[identity].then_some(Declare(identity)));
            out.push(Kill(process));
        }
        out.extend((0..2).filter(|job| !self.db.jobs[*job].ended()).map(Cancel));
    }
}

//! The programs of a start, run one after another, which end when the start is stopped.

use std::io::Write;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::Error;

/// Time within which the processes of a killed program must have ended.
const GONE: Duration = Duration::from_secs(5);

/// At most one program at a time, in a process group of its own: it receives no Ctrl-C from the
/// terminal, and is killed with all its children.
#[derive(Debug, Default)]
pub(crate) struct Children {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    running: Option<Pid>,
}

impl Children {
    /// Runs a program to its end, with `input` on its stdin if that is piped.
    pub(crate) fn run(&self, command: &mut Command, input: &str) -> Result<Output, Error> {
        use std::os::unix::process::CommandExt;

        let mut state = self.state();
        if state.stopped {
            return Err(Error::Stopped);
        }
        let program = command.get_program().to_owned();
        let mut child = command.process_group(0).spawn().map_err(Error::io("run", &program))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        state.running = group;
        drop(state);
        if let Some(mut stdin) = child.stdin.take() {
            // a program that has already ended reports its reason on stderr
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(Error::io("run", &program));
        let mut state = self.state();
        state.running = None;
        if state.stopped {
            drop(state);
            await_end(group);
            return Err(Error::Stopped);
        }
        output
    }

    /// Kills the running program; no further one starts.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        if let Some(group) = state.running {
            // it may have ended already
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until no process of the group is left: the last of them may still write files.
fn await_end(group: Option<Pid>) {
    let begun = Instant::now();
    while group.is_some_and(|group| test_kill_process_group(group).is_ok())
        && begun.elapsed() < GONE
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_stop_kills_the_program_with_its_children_and_lets_no_further_one_start() {
        let children = Arc::new(Children::default());
        let run = {
            let children = Arc::clone(&children);
            std::thread::spawn(move || {
                let mut shell = Command::new("sh");
                shell.args(["-c", "sleep 600 & sleep 600"]).stdout(Stdio::piped());
                children.run(&mut shell, "")
            })
        };
        let group = loop {
            if let Some(group) = children.state().running {
                break group;
            }
            std::thread::yield_now();
        };
        children.stop();
        assert!(matches!(run.join().unwrap(), Err(Error::Stopped)));
        assert!(test_kill_process_group(group).is_err(), "a process of the group is left");
        assert!(matches!(children.run(&mut Command::new("true"), ""), Err(Error::Stopped)));
    }
}

//! Starting the binary and asking it over HTTP.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use bellwether_testing::wait_until_within;
use serde_json::Value;

/// The binary with a clean environment: nothing of the person who runs the tests reaches it.
pub(crate) fn bellwether(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    command.args(args).env_clear();
    for name in ["PATH", "HOME", "BELLWETHER_PG_BIN", "TMPDIR"] {
        #[expect(clippy::disallowed_methods, reason = "what the binary needs of the machine")]
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("the binary starts")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A started binary; killed if the test forgets it.
pub(crate) struct Running {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    /// Starts it and keeps what it says on stdout and stderr.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        for lines in [
            Box::new(BufReader::new(out)) as Box<dyn BufRead + Send>,
            Box::new(BufReader::new(err)),
        ] {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in lines.lines().map_while(Result::ok) {
                    let mut said = said.lock().expect("no holder panics");
                    said.push_str(&line);
                    said.push('\n');
                }
            });
        }
        Self { child, said }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("no holder panics").clone()
    }

    /// The first address that follows `marker` in what it said.
    pub(crate) async fn address_after(&mut self, marker: &str) -> String {
        for _ in 0..1_200 {
            let said = self.said();
            if let Some(rest) = said.split(marker).nth(1)
                && let Some(start) = rest.find("http://")
            {
                let address: String =
                    rest[start..].chars().take_while(|c| !c.is_whitespace() && *c != '"').collect();
                return address.split("/_sandbox").next().unwrap_or(&address).to_owned();
            }
            assert!(
                self.child.try_wait().expect("its state").is_none(),
                "it ended early and said:\n{said}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never said {marker:?}, but:\n{}", self.said());
    }

    /// Returns once it has said `words`.
    pub(crate) async fn until_said(&mut self, words: &str) {
        for _ in 0..1_200 {
            if self.said().contains(words) {
                return;
            }
            assert!(
                self.child.try_wait().expect("its state").is_none(),
                "it ended early and said:\n{}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never said {words:?}, but:\n{}", self.said());
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(sent.success(), "kill -{name}");
    }

    /// Waits for its end; its exit code.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<i32> {
        let begun = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.code();
            }
            assert!(begun.elapsed() < within, "it goes on; it said:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // Asked first, so that a database it has started ends with it.
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().ok();
            for _ in 0..100 {
                if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// A folder that an unprivileged PostgreSQL can reach.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("its permissions");
    folder
}

/// `bellwether up` on a folder of its own and free ports.
pub(crate) fn up(data: &Path) -> Running {
    let mut command = bellwether(&["up"]);
    command
        .current_dir(data)
        .env("BELLWETHER_DATA_DIR", data)
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_SMTP_ADDR", "127.0.0.1:0");
    Running::start(command)
}

pub(crate) async fn get(url: &str) -> (u16, Value) {
    let Ok(response) = bellwether_testing::http_get(url).await else { return (0, Value::Null) };
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

pub(crate) async fn post(url: &str, body: &Value) -> (u16, Value) {
    let client = bellwether_testing::http_client().build().expect("a client");
    let response = client.post(url).json(body).send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// Asks `url` until the answer satisfies `wanted`.
pub(crate) async fn until(url: &str, what: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
    wait_until_within(Duration::from_secs(90), what, || async {
        let (status, body) = get(url).await;
        wanted(status, &body).then_some(body)
    })
    .await
}

pub(crate) fn items(body: &Value) -> Vec<Value> {
    body["items"].as_array().cloned().unwrap_or_default()
}

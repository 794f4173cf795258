//! Starts other programs: shows what they print while it is printed, keeps it for counting, and ends what takes too
//! long. Knows nothing about what the programs do.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What a program did.
pub(crate) struct Ran {
    /// Whether it ended by itself, with exit code 0.
    pub(crate) success: bool,
    /// How it ended, for a person.
    pub(crate) ending: String,
    /// Everything it printed on both streams, in the order it came.
    pub(crate) text: String,
}

/// Runs a program, showing what it prints, for at most `limit`.
pub(crate) fn shown(command: &mut Command, limit: Duration) -> Ran {
    run(command, limit, true)
}

/// Runs a program without showing anything, for at most `limit`.
pub(crate) fn silent(command: &mut Command, limit: Duration) -> Ran {
    run(command, limit, false)
}

/// Runs a program that must succeed; shows what it printed only if it did not. The error says which program it was.
pub(crate) fn must(what: &str, command: &mut Command, limit: Duration) -> Result<String, String> {
    let ran = silent(command, limit);
    if ran.success { Ok(ran.text) } else { Err(format!("{what}: {}\n{}", ran.ending, ran.text.trim_end())) }
}

fn run(command: &mut Command, limit: Duration, show: bool) -> Ran {
    let failed = |ending: String| Ran { success: false, ending, text: String::new() };
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return failed(format!("{name} could not be started: {error}")),
    };
    let text = Arc::new(Mutex::new(Vec::new()));
    let (done, ended) = mpsc::channel();
    for pipe in pipes(&mut child) {
        let (text, done) = (Arc::clone(&text), done.clone());
        thread::spawn(move || {
            copy(pipe, &text, show);
            // Nobody listens any more when the limit has passed.
            let _ = done.send(());
        });
    }
    drop(done);
    let (success, ending) = match wait(&mut child, limit) {
        Ok(Some(status)) => (status.success(), status.to_string()),
        Ok(None) => (false, format!("{name} was ended: it took more than {} s", limit.as_secs())),
        Err(error) => (false, format!("{name} could not be waited for: {error}")),
    };
    // Both pipes close when the program and all that it started are gone; what is left behind may keep them open.
    let drain = Instant::now() + Duration::from_secs(5);
    while let Some(left) = drain.checked_duration_since(Instant::now()) {
        if ended.recv_timeout(left).is_err() {
            break;
        }
    }
    let text = text.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Ran { success, ending, text }
}

fn pipes(child: &mut Child) -> Vec<Box<dyn Read + Send>> {
    let mut pipes: Vec<Box<dyn Read + Send>> = Vec::new();
    if let Some(out) = child.stdout.take() {
        pipes.push(Box::new(out));
    }
    if let Some(err) = child.stderr.take() {
        pipes.push(Box::new(err));
    }
    pipes
}

fn copy(mut pipe: impl Read, text: &Mutex<Vec<u8>>, show: bool) {
    let mut buffer = [0; 8192];
    while let Ok(count) = pipe.read(&mut buffer) {
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        if let Ok(mut text) = text.lock() {
            text.extend_from_slice(piece);
        }
        if show {
            let mut out = io::stdout().lock();
            // A closed terminal does not make the suites fail.
            let _ = out.write_all(piece).and_then(|()| out.flush());
        }
    }
}

/// Waits for the end; `None` when the limit passed first and the program was ended.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_both_streams_and_the_exit_code() {
        let ran = silent(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            Duration::from_secs(10),
        );
        assert!(!ran.success);
        assert!(ran.text.contains("out\n") && ran.text.contains("err\n"), "{}", ran.text);
        assert!(ran.ending.contains('3'), "{}", ran.ending);
    }

    #[test]
    fn ends_what_takes_too_long() {
        let ran = silent(Command::new("sleep").arg("60"), Duration::from_millis(100));
        assert!(!ran.success);
        assert!(ran.ending.contains("took more than"), "{}", ran.ending);
    }

    #[test]
    fn says_which_program_is_missing() {
        let error =
            must("counting", &mut Command::new("no-such-program-here"), Duration::from_secs(1)).unwrap_err();
        assert!(error.contains("counting: no-such-program-here could not be started"), "{error}");
    }
}

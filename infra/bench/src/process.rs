//! Processes under measurement: started, asked by way of `/proc` what they use, ended. Linux only.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to end when asked.
const ENDING: Duration = Duration::from_secs(10);
/// The unit of `/proc/PID/stat` in all of Linux's interfaces to programs (`USER_HZ`).
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// A process; it ends with this value.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program. What it prints on the standard output can be read by line; what it logs is shown unless it
    /// is mere information.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name} could not be started: {error}"))?;
        let out = child.stdout.take().ok_or("a process without an output")?;
        let log = child.stderr.take().ok_or("a process without a log")?;
        thread::spawn(move || {
            let lines = BufReader::new(log).lines().map_while(Result::ok);
            lines.filter(|line| !line.contains("INFO")).for_each(|line| eprintln!("{line}"));
        });
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The output is read to its end, also when nobody listens: the process must not block on it.
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, lines })
    }

    /// The first line for which `find` finds something, within `limit`.
    pub(crate) fn await_line<T>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, String> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|_| {
                "a process did not print what was waited for; is it the right binary?".to_owned()
            })?;
            if let Some(found) = find(&line) {
                return Ok(found);
            }
        }
    }

    /// Processor time so far, user and system, of all threads that live.
    pub(crate) fn cpu(&self) -> Result<Duration, String> {
        let folder = format!("/proc/{}/task", self.child.id());
        let mut nanos = 0;
        let tasks = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
        for task in tasks.filter_map(Result::ok) {
            // A thread may have ended since.
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            nanos += text.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
        }
        if nanos > 0 { Ok(Duration::from_nanos(nanos)) } else { self.cpu_in_ticks() }
    }

    /// The same from where every kernel has it, to a hundredth of a second.
    fn cpu_in_ticks(&self) -> Result<Duration, String> {
        let stat = self.read("stat")?;
        // The name, in parentheses, may hold spaces.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u32 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
        Ok(CLOCK_TICK * ticks)
    }

    /// Resident memory, bytes.
    pub(crate) fn resident(&self) -> Result<u64, String> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kilobytes.map(|kilobytes| kilobytes * 1024).ok_or("no VmRSS: has the process ended?".to_owned())
    }

    fn read(&self, file: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
    }

    /// Asks the process to end and waits for it.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let end = Instant::now() + ENDING;
        while Instant::now() < end {
            if self.child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err(format!("a process did not end within {} s of SIGTERM", ENDING.as_secs()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_from_outside() {
        let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read wait";
        let process = Process::start(Command::new("sh").args(["-c", busy])).unwrap();
        process.await_line(Duration::from_secs(60), |line| (line == "done").then_some(())).unwrap();
        assert!(process.cpu().unwrap() > Duration::from_millis(1));
        assert!(process.cpu_in_ticks().unwrap() > Duration::ZERO);
        assert!(process.resident().unwrap() > 100_000);
        process.stop().unwrap();
    }
}

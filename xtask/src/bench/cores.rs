//! Keeping the server and the load out of each other's way, and seeing who else is in it.

use std::process::{Command, Stdio};

/// A core for the server and another for the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// The first two cores that this process may use; the error says why there are none.
    pub(crate) fn find() -> Result<Cores, String> {
        let status = std::fs::read_to_string("/proc/self/status").map_err(|_| "this system has no /proc".to_owned())?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
        let [server, load] =
            parse_list(list).get(..2).and_then(|c| c.try_into().ok()).ok_or("there is only one core")?;
        quiet(Command::new("taskset").arg("--version")).map_err(|_| "taskset is not installed".to_owned())?;
        Ok(Cores { server, load })
    }

    /// Keeps this process, and the threads it starts from now on, on the load's core, and has the system wake them when
    /// they asked for it rather than 50 µs later.
    pub(crate) fn pin_load(self) -> Result<(), String> {
        let (core, process) = (self.load.to_string(), std::process::id().to_string());
        quiet(Command::new("taskset").args(["--cpu-list", "--pid", &core, &process]))?;
        // Where it cannot be set the load is a little late, and the table shows by how much.
        let _ = std::fs::write("/proc/self/timerslack_ns", "1");
        Ok(())
    }
}

/// How many processes wanted a core over the last minute, if the system says so: times measured on a busy machine are
/// the machine's.
pub(crate) fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn quiet(command: &mut Command) -> Result<(), String> {
    match command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("taskset failed: {status}")),
        Err(e) => Err(format!("taskset cannot be run: {e}")),
    }
}

/// The numbers in a list like `0-3,8`.
fn parse_list(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores() {
        assert_eq!(parse_list("\t0-1\n"), [0, 1]);
        assert_eq!(parse_list("3"), [3]);
        assert_eq!(parse_list("0,4-6,9"), [0, 4, 5, 6, 9]);
        assert_eq!(parse_list(""), [0_usize; 0]);
    }
}

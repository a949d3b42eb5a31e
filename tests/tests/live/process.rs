//! What a process uses, as the kernel counts it.

use std::time::Duration;

/// What a process uses at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Its resident memory.
    pub(crate) kibibytes: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    /// The time for which it has run on a processor.
    pub(crate) processor: Duration,
}

impl Used {
    /// Reads it for a process that runs.
    pub(crate) fn of(id: u32) -> Self {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}"));
        let (status, stat) = (read("status").expect("it runs"), read("stat").expect("it runs"));
        let number = |name: &str| -> u64 {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            value.trim_end_matches(" kB").trim().parse().expect("a number")
        };
        // proc(5): the 14th and the 15th field, in hundredths of a second. The name in the
        // second may contain anything but the last bracket.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<u64>).sum();
        Self {
            kibibytes: number("VmRSS:"),
            descriptors: std::fs::read_dir(format!("/proc/{id}/fd")).expect("it runs").count()
                as u64,
            threads: number("Threads:"),
            processor: Duration::from_millis(10 * ticks),
        }
    }
}

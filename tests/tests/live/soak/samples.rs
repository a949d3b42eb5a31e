//! Samples memory, descriptors and answers, and judges whether they stay flat.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::judge::{ANSWERS, Judge};
use crate::process::Used;

/// By how much the median of the last quarter of a run may be above that of the second, which
/// is half a run before. A copy has about 90 requests a second, so in an hour these 2 MiB are
/// 13 bytes for each.
const KIBIBYTES: u64 = 2 * 1024;
const DESCRIPTORS: u64 = 8;

/// The samples of a run, in a file and in memory.
pub(super) struct Samples {
    file: File,
    ids: [u32; 2],
    counted: [usize; ANSWERS.len()],
    /// What each copy had at each sample.
    used: Vec<[Used; 2]>,
}

impl Samples {
    pub(super) fn open(path: &Path, ids: [u32; 2]) -> Self {
        let mut file = File::create(path).expect("a file");
        let head = "seconds,issuer,rss_one_kib,rss_two_kib,fds_one,fds_two,slowest_ms";
        writeln!(file, "{head},{},wrong", ANSWERS.join(",")).expect("it is written");
        Self { file, ids, counted: [0; ANSWERS.len()], used: Vec::new() }
    }

    /// Adds a row: what the copies use now, and the answers since the last one.
    pub(super) fn take(&mut self, at: Duration, is_issuer_alive: bool, judge: &Judge<'_>) {
        let used = self.ids.map(Used::of);
        let [one, two] = used;
        let mut row = vec![at.as_secs(), is_issuer_alive.into()];
        row.extend([one.kibibytes, two.kibibytes, one.descriptors, two.descriptors]);
        row.push(judge.take_slowest().as_millis() as u64);
        let counts = judge.counts();
        row.extend(counts.iter().zip(self.counted).map(|(now, before)| (now - before) as u64));
        row.push(judge.wrong() as u64);
        let row: Vec<_> = row.iter().map(u64::to_string).collect();
        writeln!(self.file, "{}", row.join(",")).expect("it is written");
        self.counted = counts;
        self.used.push(used);
    }

    /// Asserts that no copy uses more and more.
    pub(super) fn assert_flat(&self) {
        for copy in 0..2 {
            let of = |what: fn(&Used) -> u64| -> Vec<u64> {
                self.used.iter().map(|used| what(&used[copy])).collect()
            };
            for (series, limit, unit) in [
                (of(|used| used.kibibytes), KIBIBYTES, "KiB"),
                (of(|used| used.descriptors), DESCRIPTORS, "descriptors"),
            ] {
                let [before, after] = medians(&series);
                println!("soak: copy {}: {before} {unit}, then {after}", copy + 1);
                assert!(after <= before + limit, "copy {} leaks: {series:?} {unit}", copy + 1);
            }
        }
    }
}

/// Returns the medians of the second and the last quarter.
fn medians(series: &[u64]) -> [u64; 2] {
    let quarter = series.len() / 4;
    [&series[quarter..2 * quarter], &series[series.len() - quarter..]].map(|part| {
        let mut part = part.to_vec();
        part.sort_unstable();
        *part.get(part.len() / 2).expect("at least four samples")
    })
}

#[test]
fn a_leak_is_seen_and_warmth_and_noise_are_not() {
    let noisy: Vec<_> = (0..60).map(|n| 20_000 + n * 37 % 500).collect();
    let warm: Vec<_> = (0..60).map(|n| if n < 12 { 9_000 + n * 800 } else { 20_000 }).collect();
    // 70 bytes for each of 200 requests a second, in a sample of 5 s.
    let leaking: Vec<_> = (0..60).map(|n| 20_000 + n * 70 * 200 * 5 / 1024).collect();
    let rises = |series: &[u64]| {
        let [before, after] = medians(series);
        after > before + KIBIBYTES
    };
    assert_eq!([noisy, warm, leaking].map(|series| rises(&series)), [false, false, true]);
}

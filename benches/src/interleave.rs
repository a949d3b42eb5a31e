//! Times contenders in turn, so that a disturbance of the machine affects all of them.

use std::time::{Duration, Instant};

/// The code to time: it runs the given number of times.
pub type Contender<'a> = Box<dyn FnMut(u32) + 'a>;

/// The nanoseconds of each contender in each round.
pub struct Rounds(Vec<Vec<f64>>);

/// Times all contenders, each for about one `turn` per round.
pub fn run(contenders: &mut [Contender<'_>], rounds: usize, turn: Duration) -> Rounds {
    let per_turn: Vec<u32> = contenders.iter_mut().map(|c| repetitions(c, turn)).collect();
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            // A different contender goes first in each round.
            let number = (round + turn) % contenders.len();
            let start = Instant::now();
            contenders[number](per_turn[number]);
            times[number].push(start.elapsed().as_nanos() as f64 / f64::from(per_turn[number]));
        }
    }
    Rounds(times)
}

impl Rounds {
    /// Returns the median time of a contender, in nanoseconds.
    pub fn median(&self, contender: usize) -> f64 {
        median(self.0[contender].clone())
    }

    /// Returns the median over all rounds of `ratio`, which sees the times of one round.
    pub fn ratio(&self, ratio: impl Fn(&dyn Fn(usize) -> f64) -> f64) -> f64 {
        let rounds = self.0[0].len();
        median((0..rounds).map(|round| ratio(&|contender| self.0[contender][round])).collect())
    }
}

/// Returns the median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the number of repetitions that fill a turn. Also serves as a warm-up.
fn repetitions(contender: &mut Contender<'_>, turn: Duration) -> u32 {
    let mut repetitions = 1;
    loop {
        let start = Instant::now();
        contender(repetitions);
        if start.elapsed() >= turn {
            return repetitions;
        }
        repetitions *= 2;
    }
}

//! Contenders timed in turn, so that whatever disturbs the machine disturbs all.

use std::time::{Duration, Instant};

/// What is timed: it runs so many times.
pub type Contender<'a> = Box<dyn FnMut(u32) + 'a>;

/// The nanoseconds that each contender takes, in the rounds in which they took turns.
pub struct Rounds(Vec<Vec<f64>>);

/// Times all contenders, each for about a `turn` in each of the rounds.
pub fn run(contenders: &mut [Contender<'_>], rounds: usize, turn: Duration) -> Rounds {
    let per_turn: Vec<u32> = contenders.iter_mut().map(|c| repetitions(c, turn)).collect();
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            // Another one first in each round.
            let number = (round + turn) % contenders.len();
            let start = Instant::now();
            contenders[number](per_turn[number]);
            times[number].push(start.elapsed().as_nanos() as f64 / f64::from(per_turn[number]));
        }
    }
    Rounds(times)
}

impl Rounds {
    /// The median time of a contender, in nanoseconds.
    pub fn median(&self, contender: usize) -> f64 {
        median(self.0[contender].clone())
    }

    /// The median, over the rounds, of what `ratio` makes of the times of one round.
    pub fn ratio(&self, ratio: impl Fn(&dyn Fn(usize) -> f64) -> f64) -> f64 {
        let rounds = self.0[0].len();
        median((0..rounds).map(|round| ratio(&|contender| self.0[contender][round])).collect())
    }
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How often it runs in a turn; and a warm-up.
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

//! Beside the way: results of verifying public-key tokens, remembered.
//!
//! A signature of a public key costs hundreds of times more to verify than to
//! remember. What is remembered is a function of the token and the key alone, so
//! nothing becomes stateful: only successes, only while their key is held, and
//! times are checked on every request. Tokens of HS256 are never remembered:
//! verifying them is as cheap.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::claims::Claims;
use crate::jwk::PublicKey;

/// Bounded in number and in bytes. A user is given a bucket, and only displaces
/// what is in it, and there first what is their own: nobody can evict everybody,
/// however many tokens they are given.
pub(crate) struct Memo {
    /// Randomly keyed, so that nobody can aim at a place.
    hasher: RandomState,
    /// Shards, so that a writer does not stop all readers.
    shards: Vec<RwLock<HashMap<u64, Arc<Remembered>>>>,
    /// What is remembered for the users of a bucket, oldest first.
    buckets: Vec<Mutex<Vec<Arc<Remembered>>>>,
    bucket_capacity: usize,
}

struct Remembered {
    hash: u64,
    token: Box<str>,
    key: Arc<PublicKey>,
    claims: Claims,
}

const SHARDS: usize = 32;
const BUCKET_CAPACITY: usize = 16;
/// How many tokens of one user are remembered.
const OF_ONE_USER: usize = 4;
/// Average, with all that belongs to it: 10,000 tokens are under 16 MiB.
const BYTES_PER_TOKEN: usize = 1_600;
/// What a remembered token takes beside its text and its claims.
const OVERHEAD: usize = 320;

impl Memo {
    /// `None` where nothing is to be remembered.
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let bucket_capacity = capacity.min(BUCKET_CAPACITY);
        let buckets = capacity.checked_div(bucket_capacity)?;
        Some(Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(RwLock::default).take(SHARDS).collect(),
            buckets: std::iter::repeat_with(Mutex::default).take(buckets).collect(),
            bucket_capacity,
        })
    }

    /// The claims of a token that was verified with a key which is still held.
    /// Their times have to be checked again.
    pub(crate) fn get(&self, token: &str) -> Option<Claims> {
        let hash = self.hash(token);
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        let remembered = shard.get(&hash)?;
        let counts = *remembered.token == *token && !remembered.key.is_retired();
        counts.then(|| remembered.claims.clone())
    }

    pub(crate) fn insert(&self, token: &str, key: Arc<PublicKey>, claims: &Claims) {
        let hash = self.hash(token);
        let remembered =
            Arc::new(Remembered { hash, token: token.into(), key, claims: claims.clone() });
        let max_weight = self.bucket_capacity * BYTES_PER_TOKEN;
        if remembered.weight() > max_weight {
            return;
        }

        let bucket = self.hasher.hash_one(claims.uid()) as usize % self.buckets.len();
        let mut bucket = self.buckets[bucket].lock().unwrap_or_else(PoisonError::into_inner);
        let is_void = |other: &Remembered| other.hash == hash || other.key.is_retired();
        while self.forget_first(&mut bucket, is_void) {}

        let is_own = |other: &Remembered| other.claims.uid() == claims.uid();
        while bucket.iter().filter(|other| is_own(other)).count() >= OF_ONE_USER {
            self.forget_first(&mut bucket, is_own);
        }
        let weight = |bucket: &[Arc<Remembered>]| -> usize {
            bucket.iter().map(|other| other.weight()).sum()
        };
        while bucket.len() >= self.bucket_capacity
            || weight(&bucket) + remembered.weight() > max_weight
        {
            self.forget_first(&mut bucket, |_| true);
        }

        bucket.push(remembered.clone());
        self.shard(hash).write().unwrap_or_else(PoisonError::into_inner).insert(hash, remembered);
    }

    /// Whether there was one.
    fn forget_first(
        &self,
        bucket: &mut Vec<Arc<Remembered>>,
        of: impl Fn(&Remembered) -> bool,
    ) -> bool {
        let Some(index) = bucket.iter().position(|other| of(other)) else { return false };
        let gone = bucket.remove(index);
        let mut shard = self.shard(gone.hash).write().unwrap_or_else(PoisonError::into_inner);
        // Another token may have taken its place.
        if shard.get(&gone.hash).is_some_and(|there| Arc::ptr_eq(there, &gone)) {
            shard.remove(&gone.hash);
        }
        true
    }

    fn shard(&self, hash: u64) -> &RwLock<HashMap<u64, Arc<Remembered>>> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// Of the end of the token, which is its signature: as good as random. The
    /// whole token is compared.
    fn hash(&self, token: &str) -> u64 {
        let start = token.len().saturating_sub(32);
        self.hasher.hash_one(&token.as_bytes()[start..])
    }
}

impl Remembered {
    fn weight(&self) -> usize {
        OVERHEAD + self.token.len() + self.claims.size()
    }
}

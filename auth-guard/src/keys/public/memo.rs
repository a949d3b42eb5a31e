//! Memoizes the claims of verified public-key tokens.
//!
//! Verifying a public-key signature costs hundreds of times more than looking it up. An
//! entry depends on the token and the key alone: only successes are kept, only while their
//! key is in use, and times are checked on every request. HS256 tokens are never memoized:
//! verifying them is as cheap.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::keys::public::jwk::PublicKey;
use crate::sync::lock;
use crate::token::claims::Claims;

/// A memo that is bounded in number and in bytes. Each user maps to one bucket and evicts
/// only from it, their own entries first: nobody can evict everybody, however many tokens
/// they have.
///
/// All issuers share it. Each entry belongs to one issuer, and is never returned for another.
pub(crate) struct Memo {
    /// Keyed at random, so that nobody can aim at a bucket.
    hasher: RandomState,
    /// Each has all entries, and a thread always reads the same one: two threads that take one
    /// lock slow each other down, even if both only read.
    lanes: [Lane; LANES],
    /// The entries of each bucket's users, oldest first.
    buckets: Vec<Mutex<Vec<Arc<Entry>>>>,
    bucket_capacity: usize,
}

/// The memo that the public keys of all issuers share.
#[derive(Clone)]
pub(crate) struct SharedMemo(Option<Arc<Memo>>);

impl SharedMemo {
    /// `capacity` is the number of memoized tokens; 0: none.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Memo::new(capacity).map(Arc::new))
    }

    pub(super) fn into_inner(self) -> Option<Arc<Memo>> {
        self.0
    }

    /// Returns the issuer whose token this was when it was verified.
    pub(crate) fn issuer_of(&self, token: &str) -> Option<IssuerId> {
        self.0.as_ref()?.issuer_of(token)
    }
}

impl fmt::Debug for SharedMemo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedMemo(..)")
    }
}

/// Sharded, so that a writer does not block all readers.
type Lane = [RwLock<Shard>; SHARDS];

/// Entries by the hashes of their tokens.
type Shard = HashMap<u64, Arc<Entry>>;

struct Entry {
    hash: u64,
    /// The hash of the user's id.
    user: u64,
    token: Box<str>,
    issuer: IssuerId,
    key: Arc<PublicKey>,
    claims: Claims,
}

/// The place of an issuer among those of a verifier.
pub(crate) type IssuerId = usize;

const LANES: usize = 4;
const SHARDS: usize = 32;
/// Chance spreads users over the buckets: if these were small, some would be full long before the
/// memo is.
const BUCKET_CAPACITY: usize = 128;
/// The most entries of one user.
const OF_ONE_USER: usize = 4;
/// The average size of an entry: 10,000 entries are below 16 MiB.
const BYTES_PER_TOKEN: usize = 1_600;
/// The size of an entry without its text and its claims.
const OVERHEAD: usize = 400;

thread_local! {
    /// The lane that this thread reads.
    static LANE: usize = NEXT_LANE.fetch_add(1, Ordering::Relaxed) % LANES;
}

static NEXT_LANE: AtomicUsize = AtomicUsize::new(0);

impl Memo {
    /// Returns `None` if the capacity is 0.
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let buckets = capacity.div_ceil(BUCKET_CAPACITY);
        let bucket_capacity = capacity.checked_div(buckets)?;
        Some(Self {
            hasher: RandomState::new(),
            lanes: Default::default(),
            buckets: std::iter::repeat_with(Mutex::default).take(buckets).collect(),
            bucket_capacity,
        })
    }

    /// Returns the claims of a token of this issuer that was verified with a key still in
    /// use. Their times must be checked again.
    pub(crate) fn get(&self, token: &str, issuer: IssuerId) -> Option<Claims> {
        self.find(token, |entry| (entry.issuer == issuer).then(|| entry.claims.clone()))
    }

    /// Returns the issuer whose token this was when it was verified.
    pub(crate) fn issuer_of(&self, token: &str) -> Option<IssuerId> {
        self.find(token, |entry| Some(entry.issuer))
    }

    fn find<T>(&self, token: &str, get: impl FnOnce(&Entry) -> Option<T>) -> Option<T> {
        let hash = self.hash(token);
        let lane = &self.lanes[LANE.with(|lane| *lane)];
        let shard = lane[place(hash)].read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(&hash)?;
        let is_valid = *entry.token == *token && !entry.key.is_retired();
        if is_valid { get(entry) } else { None }
    }

    /// Adds an entry, and evicts others of its bucket as needed.
    pub(crate) fn insert(
        &self,
        token: &str,
        issuer: IssuerId,
        key: Arc<PublicKey>,
        claims: &Claims,
    ) {
        let (hash, user) = (self.hash(token), self.hasher.hash_one(claims.uid()));
        let (token, claims) = (token.into(), claims.clone());
        let entry = Arc::new(Entry { hash, user, token, issuer, key, claims });
        let max_weight = self.bucket_capacity * BYTES_PER_TOKEN;
        if entry.weight() > max_weight {
            return;
        }

        let mut bucket = lock(&self.buckets[user as usize % self.buckets.len()]);
        let is_useless = |other: &Entry| other.hash == hash || other.key.is_retired();
        while self.evict_first(&mut bucket, is_useless) {}

        let is_own = |other: &Entry| other.user == user;
        while bucket.iter().filter(|other| is_own(other)).count() >= OF_ONE_USER {
            self.evict_first(&mut bucket, is_own);
        }
        let weight =
            |bucket: &[Arc<Entry>]| -> usize { bucket.iter().map(|other| other.weight()).sum() };
        while bucket.len() >= self.bucket_capacity || weight(&bucket) + entry.weight() > max_weight
        {
            self.evict_first(&mut bucket, |_| true);
        }

        bucket.push(Arc::clone(&entry));
        self.change(hash, |shard| drop(shard.insert(hash, Arc::clone(&entry))));
    }

    /// Evicts the oldest entry of a bucket that fits. Returns `false` if there is none.
    fn evict_first(&self, bucket: &mut Vec<Arc<Entry>>, of: impl Fn(&Entry) -> bool) -> bool {
        let Some(index) = bucket.iter().position(|other| of(other)) else { return false };
        let evicted = bucket.remove(index);
        self.change(evicted.hash, |shard| {
            // Another token may have replaced it.
            if shard.get(&evicted.hash).is_some_and(|there| Arc::ptr_eq(there, &evicted)) {
                shard.remove(&evicted.hash);
            }
        });
        true
    }

    /// Makes a change in every lane, one after the other.
    fn change(&self, hash: u64, change: impl Fn(&mut Shard)) {
        for lane in &self.lanes {
            change(&mut lane[place(hash)].write().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Hashes the end of the token: it belongs to the signature, and so is as good as random.
    /// Lookups compare the whole token.
    fn hash(&self, token: &str) -> u64 {
        let start = token.len().saturating_sub(32);
        self.hasher.hash_one(&token.as_bytes()[start..])
    }
}

/// Returns the place of the shard for a hash.
fn place(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

impl Entry {
    /// Returns an upper bound in bytes: the claims are a decoded part of the token.
    fn weight(&self) -> usize {
        OVERHEAD + 2 * self.token.len()
    }
}

#[cfg(test)]
mod tests;

//! Memoizes the claims of verified public-key tokens.
//!
//! Verifying a public-key signature costs hundreds of times more than looking it up. An
//! entry depends on the token and the key alone: only successes are kept, only while their
//! key is in use, and times are checked on every request. HS256 tokens are never memoized:
//! verifying them is as cheap.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
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
    /// Sharded, so that a writer does not block all readers.
    shards: Vec<RwLock<HashMap<u64, Arc<Entry>>>>,
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

const SHARDS: usize = 32;
/// Chance spreads users over the buckets: if these were small, some would be full long before the
/// memo is.
const BUCKET_CAPACITY: usize = 128;
/// The most entries of one user.
const OF_ONE_USER: usize = 4;
/// The average size of an entry: 10,000 entries are below 16 MiB.
const BYTES_PER_TOKEN: usize = 1_600;
/// The size of an entry without its text and its claims.
const OVERHEAD: usize = 320;

impl Memo {
    /// Returns `None` if the capacity is 0.
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
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
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
        self.shard(hash).write().unwrap_or_else(PoisonError::into_inner).insert(hash, entry);
    }

    /// Evicts the oldest entry of a bucket that fits. Returns `false` if there is none.
    fn evict_first(&self, bucket: &mut Vec<Arc<Entry>>, of: impl Fn(&Entry) -> bool) -> bool {
        let Some(index) = bucket.iter().position(|other| of(other)) else { return false };
        let evicted = bucket.remove(index);
        let mut shard = self.shard(evicted.hash).write().unwrap_or_else(PoisonError::into_inner);
        // Another token may have replaced it.
        if shard.get(&evicted.hash).is_some_and(|there| Arc::ptr_eq(there, &evicted)) {
            shard.remove(&evicted.hash);
        }
        true
    }

    fn shard(&self, hash: u64) -> &RwLock<HashMap<u64, Arc<Entry>>> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// Hashes the end of the token: it belongs to the signature, and so is as good as random.
    /// Lookups compare the whole token.
    fn hash(&self, token: &str) -> u64 {
        let start = token.len().saturating_sub(32);
        self.hasher.hash_one(&token.as_bytes()[start..])
    }
}

impl Entry {
    /// Returns an upper bound in bytes: the claims are a decoded part of the token.
    fn weight(&self) -> usize {
        OVERHEAD + 2 * self.token.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::keys::public::algorithm::{Algorithm, Algorithms};
    use crate::keys::public::set::KeySet;
    use crate::token::profile::Profile;

    /// RFC 8037 appendix A.2.
    fn key() -> Arc<PublicKey> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] }).to_string();
        let read = KeySet::read(set.as_bytes(), &Algorithms::of(&[])).expect("a set");
        read.keys.select(Algorithm::EdDsa, None).expect("a key").clone()
    }

    fn claims(uid: &str) -> Claims {
        let uid_claim = "uid".into();
        let profile = Profile { uid_claim, max_lifetime: 100, ..Profile::default() };
        let payload = json!({ "uid": uid, "exp": 50 }).to_string();
        profile.check(payload.as_bytes(), SystemTime::UNIX_EPOCH).expect("valid claims")
    }

    /// Makes the text of a token. The memo does not look inside.
    fn token(n: usize, length: usize) -> String {
        format!("{}{n:032}", "x".repeat(length))
    }

    #[test]
    fn nobody_evicts_everybody() {
        let (memo, key) = (Memo::new(1_000).expect("a memo"), key());
        for user in 0..200 {
            memo.insert(&token(user, 300), 0, key.clone(), &claims(&format!("user {user}")));
        }
        let kept = || (0..200).filter(|user| memo.get(&token(*user, 300), 0).is_some()).count();
        let before = kept();
        assert!(before > 190, "{before}");

        let mallory = claims("mallory");
        for n in 1_000..51_000 {
            memo.insert(&token(n, 300), 0, key.clone(), &mallory);
        }
        assert!(kept() + OF_ONE_USER >= before, "{before}, and now {}", kept());
        let own = (1_000..51_000).filter(|n| memo.get(&token(*n, 300), 0).is_some()).count();
        assert_eq!(own, OF_ONE_USER);
    }

    #[test]
    fn with_room_for_twice_as_many_everybody_is_remembered() {
        let (memo, key) = (Memo::new(20_000).expect("a memo"), key());
        for user in 0..10_000 {
            memo.insert(&token(user, 300), 0, key.clone(), &claims(&format!("user {user}")));
        }
        let kept = (0..10_000).filter(|user| memo.get(&token(*user, 300), 0).is_some()).count();
        assert_eq!(kept, 10_000);
    }

    #[test]
    fn the_memo_is_bounded_in_bytes() {
        let (memo, key) = (Memo::new(320).expect("a memo"), key());
        for n in 0..2_000 {
            memo.insert(&token(n, 8_000), 0, key.clone(), &claims(&format!("user {n}")));
        }
        let shards = memo.shards.iter().map(|shard| shard.read().expect("no panic"));
        let bytes: usize =
            shards.map(|shard| shard.values().map(|of| of.weight()).sum::<usize>()).sum();
        assert!(bytes > 0 && bytes <= 320 * BYTES_PER_TOKEN, "{bytes}");
        const { assert!(10_000 * BYTES_PER_TOKEN < 16 * 1024 * 1024) };
    }

    #[test]
    fn what_is_larger_than_a_bucket_is_not_remembered() {
        let (memo, key) = (Memo::new(1).expect("a memo"), key());
        let largest = (BYTES_PER_TOKEN - OVERHEAD) / 2 - 32;
        let (fits, does_not) = (token(1, largest), token(2, largest + 1));
        memo.insert(&fits, 0, key.clone(), &claims("alice"));
        memo.insert(&does_not, 0, key, &claims("alice"));
        assert!(memo.get(&fits, 0).is_some() && memo.get(&does_not, 0).is_none());
    }

    #[test]
    fn the_whole_token_is_compared() {
        let (memo, key) = (Memo::new(16).expect("a memo"), key());
        memo.insert(&token(1, 300), 0, key, &claims("alice"));
        assert!(memo.get(&token(1, 300), 0).is_some());
        assert!(memo.get(&token(1, 301), 0).is_none(), "the same end, another beginning");
    }

    #[test]
    fn rule_22_what_is_remembered_for_one_issuer_is_not_recalled_for_another() {
        let (memo, key) = (Memo::new(16).expect("a memo"), key());
        memo.insert(&token(1, 300), 1, key, &claims("alice"));
        assert_eq!(memo.issuer_of(&token(1, 300)), Some(1));
        assert!(memo.get(&token(1, 300), 1).is_some());
        assert!(memo.get(&token(1, 300), 0).is_none() && memo.get(&token(1, 300), 2).is_none());
        assert_eq!(memo.issuer_of(&token(2, 300)), None);
    }
}

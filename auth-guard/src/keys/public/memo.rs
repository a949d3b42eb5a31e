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

use crate::keys::public::jwk::PublicKey;
use crate::token::claims::Claims;

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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::keys::public::jwk::{Algorithm, KeySet};
    use crate::token::claims::Rules;

    /// RFC 8037 appendix A.2.
    fn key() -> Arc<PublicKey> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] }).to_string();
        let read = KeySet::read(set.as_bytes(), &KeySet::default()).expect("a set");
        read.keys.select(Algorithm::EdDsa, None).expect("a key").clone()
    }

    fn claims(uid: &str) -> Claims {
        let rules = Rules {
            issuer: None,
            audience: Vec::new(),
            uid_claim: "uid".into(),
            match_subject: true,
            leeway: 0,
            max_lifetime: 100,
        };
        let payload = json!({ "uid": uid, "exp": 50 }).to_string();
        rules.check(payload.as_bytes(), SystemTime::UNIX_EPOCH, &mut ()).expect("good claims")
    }

    /// A token's text; what it says is not looked at here.
    fn token(n: usize, length: usize) -> String {
        format!("{}{n:032}", "x".repeat(length))
    }

    #[test]
    fn nobody_evicts_everybody() {
        let (memo, key) = (Memo::new(1_000).expect("a memo"), key());
        for user in 0..200 {
            memo.insert(&token(user, 300), key.clone(), &claims(&format!("user {user}")));
        }
        let held = || (0..200).filter(|user| memo.get(&token(*user, 300)).is_some()).count();
        let before = held();
        assert!(before > 190, "{before}");

        let mallory = claims("mallory");
        for n in 1_000..51_000 {
            memo.insert(&token(n, 300), key.clone(), &mallory);
        }
        assert!(held() + OF_ONE_USER >= before, "{before}, and now {}", held());
        let own = (1_000..51_000).filter(|n| memo.get(&token(*n, 300)).is_some()).count();
        assert_eq!(own, OF_ONE_USER);
    }

    #[test]
    fn what_is_remembered_is_bounded_in_bytes() {
        let (memo, key) = (Memo::new(320).expect("a memo"), key());
        for n in 0..2_000 {
            memo.insert(&token(n, 8_000), key.clone(), &claims(&format!("user {n}")));
        }
        let shards = memo.shards.iter().map(|shard| shard.read().expect("no panic"));
        let bytes: usize =
            shards.map(|shard| shard.values().map(|of| of.weight()).sum::<usize>()).sum();
        assert!(bytes > 0 && bytes <= 320 * BYTES_PER_TOKEN, "{bytes}");
        const { assert!(10_000 * BYTES_PER_TOKEN < 16 * 1024 * 1024) };
    }

    #[test]
    fn the_whole_token_is_compared() {
        let (memo, key) = (Memo::new(16).expect("a memo"), key());
        memo.insert(&token(1, 300), key, &claims("alice"));
        assert!(memo.get(&token(1, 300)).is_some());
        assert!(memo.get(&token(1, 301)).is_none(), "the same end, another beginning");
    }
}

//! The claims of a signed payload, uninterpreted.

use super::json::{self, Members, Others, Value};

/// The claims that decide about every token have a slot; the others are looked up.
pub(super) struct Payload<'a> {
    uid_claim: &'a str,
    slots: [Option<Value<'a>>; 7],
    others: Others<'a>,
}

/// A claim that has a place of its own.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Uid,
    Sub,
    Iss,
    Aud,
    Exp,
    Nbf,
    Iat,
}

/// What tells that a token is another kind of token, or a machine's.
#[derive(Default)]
pub(super) struct Kind<'a> {
    /// `cnf` is there: the token is bound to a key (RFC 7800).
    pub(super) is_bound: bool,
    /// A claim that only ID tokens have (OpenID Connect Core sections 2 and 3.3.2.11).
    pub(super) of_id_token: Option<&'static str>,
    pub(super) client_id: Option<Value<'a>>,
    pub(super) azp: Option<Value<'a>>,
    pub(super) gty: Option<Value<'a>>,
    pub(super) idtyp: Option<Value<'a>>,
}

impl<'a> Payload<'a> {
    /// Returns a payload without claims.
    pub(super) fn new(uid_claim: &'a str) -> Self {
        Self { uid_claim, slots: [None; 7], others: Others::default() }
    }

    /// Reads the claims in place, which saves copies. Returns `None` unless `json` is one
    /// object that the profile can read.
    pub(super) fn read(&mut self, json: &'a str) -> Option<()> {
        json::read(json, self)
    }

    pub(super) fn slot(&self, slot: Slot) -> Option<Value<'a>> {
        self.slots[slot as usize]
    }

    /// Returns the claim of this name, wherever it is kept.
    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        match slot(name, self.uid_claim) {
            Some(slot) => self.slot(slot),
            None => self.others.get(name),
        }
    }

    /// Reads what tells the kind of a token, in one pass over the claims without a slot:
    /// Better Auth's own tokens have hardly any.
    pub(super) fn kind(&self) -> Kind<'a> {
        let mut kind = Kind::default();
        self.others.iter().for_each(|(name, value)| kind.note(name, value));
        match self.uid_claim {
            // The usual names of the owner's claim say nothing about the kind of token.
            "uid" | "sub" => {}
            name => self.slot(Slot::Uid).into_iter().for_each(|uid| kind.note(name, uid)),
        }
        kind
    }
}

impl<'a> Kind<'a> {
    fn note(&mut self, name: &str, value: Value<'a>) {
        match name {
            "cnf" => self.is_bound = true,
            "nonce" => self.of_id_token = Some("nonce"),
            "at_hash" => drop(self.of_id_token.get_or_insert("at_hash")),
            "c_hash" => drop(self.of_id_token.get_or_insert("c_hash")),
            "s_hash" => drop(self.of_id_token.get_or_insert("s_hash")),
            "client_id" => self.client_id = Some(value),
            "azp" => self.azp = Some(value),
            "gty" => self.gty = Some(value),
            "idtyp" => self.idtyp = Some(value),
            _ => {}
        }
    }
}

impl<'a> Members<'a> for Payload<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Value<'a>>> {
        slot(name, self.uid_claim).map(|slot| &mut self.slots[slot as usize])
    }

    fn others(&mut self) -> &mut Others<'a> {
        &mut self.others
    }
}

fn slot(name: &str, uid_claim: &str) -> Option<Slot> {
    match name {
        "iss" => Some(Slot::Iss),
        "aud" => Some(Slot::Aud),
        "exp" => Some(Slot::Exp),
        "nbf" => Some(Slot::Nbf),
        "iat" => Some(Slot::Iat),
        name if name == uid_claim => Some(Slot::Uid),
        "sub" => Some(Slot::Sub),
        _ => None,
    }
}

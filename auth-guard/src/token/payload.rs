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
    /// Returns `None` unless `json` is one object that the profile can read.
    pub(super) fn read(json: &'a str, uid_claim: &'a str) -> Option<Self> {
        let mut payload = Self { uid_claim, slots: [None; 7], others: Others::default() };
        json::read(json, &mut payload).map(|()| payload)
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
        // The usual names of the user's claim tell nothing.
        let is_telling = !["uid", "sub"].contains(&self.uid_claim);
        let uid = self.slot(Slot::Uid).filter(|_| is_telling).map(|uid| (self.uid_claim, uid));
        for (name, value) in self.others.iter().chain(uid) {
            match name {
                "cnf" => kind.is_bound = true,
                "nonce" => kind.of_id_token = Some("nonce"),
                "at_hash" => drop(kind.of_id_token.get_or_insert("at_hash")),
                "c_hash" => drop(kind.of_id_token.get_or_insert("c_hash")),
                "s_hash" => drop(kind.of_id_token.get_or_insert("s_hash")),
                "client_id" => kind.client_id = Some(value),
                "azp" => kind.azp = Some(value),
                "gty" => kind.gty = Some(value),
                "idtyp" => kind.idtyp = Some(value),
                _ => {}
            }
        }
        kind
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

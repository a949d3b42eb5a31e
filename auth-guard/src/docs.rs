//! Guides, in the order of a reader's questions.
//!
#![doc = include_str!("docs/links.md")]
#![doc = include_str!("docs/index.md")]

/// Makes a module of each document. Links between documents have their targets at the end of
/// each, for a page of the repository. Here `links.md` stands before them, and Markdown takes
/// the first target of a name: so the same links lead to these modules and to the API. Those of
/// images lead to copies in `images.md`, since rustdoc takes along no file.
macro_rules! guides {
    ($($(#[$attribute:meta])* $name:ident: $file:literal,)*) => {$(
        $(#[$attribute])*
        #[doc = include_str!("docs/links.md")]
        #[doc = include_str!("docs/images.md")]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $name {}
    )*};
}

guides! {
    answers: "answers.md",
    attacks: "attacks.md",
    authorization: "authorization.md",
    better_auth: "better-auth.md",
    from_a_hand_written_guard: "from-a-hand-written-guard.md",
    issuers: "issuers.md",
    operating: "operating.md",
    ownership: "ownership.md",
    performance: "performance.md",
    profile: "profile.md",
    settings: "settings.md",
    streaming: "streaming.md",
    #[cfg(feature = "testing")]
    testing: "testing.md",
    troubleshooting: "troubleshooting.md",
}

//! Refuses `Owner` beside `or` at compile time, whatever name it goes by.
//!
//! The attribute sees tokens and not types, so it asks the compiler: an inherent constant
//! of `Argument<Owner>` takes precedence over that of the trait, which every other type
//! has.

use std::marker::PhantomData;

use super::Owner;

/// The type of a handler's argument.
#[derive(Debug)]
pub struct Argument<T>(PhantomData<T>);

impl Argument<Owner> {
    /// `true`: this argument is an [`Owner`].
    pub const IS_OWNER: bool = true;
}

impl Argument<Option<Owner>> {
    /// `true`: this argument is an [`Owner`].
    pub const IS_OWNER: bool = true;
}

impl<E> Argument<Result<Owner, E>> {
    /// `true`: this argument is an [`Owner`].
    pub const IS_OWNER: bool = true;
}

/// Implemented for every type, and shadowed for those with [`Owner`].
pub trait NotOwner {
    /// `false`: no other argument is.
    const IS_OWNER: bool = false;
}

impl<T> NotOwner for Argument<T> {}

//! What the attributes accept. Each file is a case: it must compile, and its routes must be
//! made.
#![allow(missing_docs, reason = "a case need not say what its name does")]

pub mod all_three;
pub mod all_three_in_another_order;
pub mod async_with_state;
pub mod authorized;
pub mod authorized_any_machine;
pub mod authorized_by_a_requirement;
pub mod authorized_empty;
pub mod authorized_from_a_macro;
pub mod authorized_machines;
pub mod authorized_scope;
pub mod between_other_attributes;
pub mod borrowed_return;
pub mod borrowed_return_async;
pub mod bound_and_not_used;
pub mod bound_by_the_attribute;
pub mod data;
pub mod exempt_in_the_query;
pub mod format;
pub mod from_a_macro;
pub mod fully_qualified;
pub mod generic_requirement;
pub mod guards_are_send;
pub mod guards_beside_or;
pub mod impl_trait;
pub mod imported_attribute;
pub mod many_arguments;
pub mod named_lifetime;
pub mod or_an_exception;
pub mod other_attribute_macros;
pub mod other_attributes;
pub mod other_segment_name;
pub mod outermost_by_another_name;
pub mod owner_and_verified;
pub mod private_requirement;
pub mod public_with_a_caller;
pub mod query;
pub mod rank;
pub mod route_attribute;
pub mod scoped;
pub mod scoped_borrowed_return;
pub mod scoped_bound_by_the_attribute;
pub mod scoped_by_a_path;
pub mod scoped_or;
pub mod scoped_raw_name;
pub mod scoped_scope;
pub mod scoped_twins;
pub mod scoped_uri;
pub mod scoped_with_a_trailing_comma;
pub mod strict_crate;
pub mod twins;
pub mod uri;
pub mod uri_after_other_arguments;
pub mod uri_of_a_named_segment;
pub mod user_id_as_str;
pub mod user_scoped_scope;

/// A file that no line above names would not be compiled.
#[test]
fn every_file_is_a_case() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compiles");
    let cases = include_str!("main.rs");
    for file in std::fs::read_dir(directory).expect("the cases") {
        let name = file.expect("a case").file_name().into_string().expect("a name");
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || cases.contains(&format!("mod {module};\n")), "{name}");
    }
}

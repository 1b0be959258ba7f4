//! The bytes of records. When this test fails, a type of the domain has changed what is on disk: raise the record version
//! and keep the old shape for reading.

use crate::event;
use bespoke_domain::settings::{KeyChange, Scope};
use bespoke_domain::{Body, Offset, ProductPatch};
use bespoke_store::{Error, record};
use expect_test::{Expect, expect};

fn check(body: &Body, expect: Expect) {
    let bytes = record::encode(body);
    assert_eq!(&record::decode(Offset(1), &bytes).expect("what is written is read"), body);
    expect.assert_eq(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn records_keep_their_bytes() {
    check(&event(1000, 2).body, expect!["01000000d00f0000000000080000000000"]);
    check(
        &Body::Catalog(Box::new(ProductPatch { id: "a".into(), stock: Some(3), ..ProductPatch::default() })),
        expect!["0101016100000000010300"],
    );
    check(
        &Body::Key(KeyChange { hash: [7; 32], scope: Scope::Secret, revoked: false }),
        expect!["010307070707070707070707070707070707070707070707070707070707070707070100"],
    );
}

#[test]
fn another_version_and_damage_are_named() {
    for (bytes, want) in [(&[9_u8, 0][..], "record version 9"), (&[], "empty"), (&[1, 200, 3], "")] {
        match record::decode(Offset(5), bytes) {
            Err(Error::Corrupt { offset: 5, why }) => assert!(why.contains(want), "{why}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

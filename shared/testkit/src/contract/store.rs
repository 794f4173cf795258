//! The contract of a [`Store`].

use bytes::Bytes;
use postern_gateway::Store;

/// A value may be this large: a configuration document with many models.
const LARGE: usize = 1 << 20;

/// Checks that `store` reads, writes, removes and lists as [`Store`] says. Uses names that start with `contract`.
///
/// # Panics
/// Where it does not.
pub async fn store(store: &impl Store) {
    clear(store).await;
    values(store).await;
    names(store).await;
    pages(store).await;
    clear(store).await;
}

async fn clear(store: &impl Store) {
    loop {
        let left = store.list("contract", None, 100).await.expect("list");
        if left.is_empty() {
            return;
        }
        for (name, _) in left {
            store.remove(&name).await.expect("remove");
        }
    }
}

async fn values(store: &impl Store) {
    let read = async |name: &str| store.read(name).await.expect("read");
    let write = async |name: &str, value: Bytes| store.write(name, value).await.expect("write");
    assert_eq!(read("contract/value").await, None, "nothing is there before it is written");
    for value in [&b"first"[..], b"second", b"", b"\0\xff\xfe binary \r\n"] {
        write("contract/value", Bytes::copy_from_slice(value)).await;
        assert_eq!(read("contract/value").await.as_deref(), Some(value), "the last value is read");
    }
    let create = async |value: &'static [u8]| {
        store.create("contract/value", Bytes::from_static(value)).await.expect("create")
    };
    assert!(!create(b"other").await, "there is one already");
    assert_eq!(read("contract/value").await.as_deref(), Some(&b"\0\xff\xfe binary \r\n"[..]), "and it stays");
    store.remove("contract/value").await.expect("remove");
    assert!(create(b"created").await, "there is none");
    assert!(!create(b"other").await, "there is one now");
    assert_eq!(read("contract/value").await.as_deref(), Some(&b"created"[..]), "it is the first");
    let large = Bytes::from(vec![0xa5; LARGE]);
    write("contract/large", large.clone()).await;
    assert_eq!(read("contract/large").await, Some(large), "a value of a MiB");
    store.remove("contract/value").await.expect("remove");
    assert_eq!(read("contract/value").await, None, "what was removed is gone");
    store.remove("contract/value").await.expect("removing what is not there is no error");
    store.remove("contract/large").await.expect("remove");
}

async fn names(store: &impl Store) {
    // In byte order. Case counts, and a name that starts with another one is another name.
    let names = [
        "contract/n/",
        "contract/n/A",
        "contract/n/a",
        "contract/n/a b",
        "contract/n/a%2Fb",
        "contract/n/a/b",
        "contract/n/a\"b'",
        "contract/n/ab",
        "contract/n/\u{e4}\u{1f600}",
    ];
    let mut sorted = names;
    sorted.sort_unstable();
    for name in names {
        store.write(name, Bytes::copy_from_slice(name.as_bytes())).await.expect("write");
    }
    for near in ["contract/m", "contract/n", "contract/n0", "contract/o"] {
        store.write(near, Bytes::from_static(b"near")).await.expect("write");
    }
    for name in names {
        let value = store.read(name).await.expect("read");
        assert_eq!(value.as_deref(), Some(name.as_bytes()), "{name:?}");
    }
    let listed = store.list("contract/n/", None, 100).await.expect("list");
    let expected: Vec<(String, Bytes)> =
        sorted.iter().map(|n| ((*n).to_owned(), Bytes::copy_from_slice(n.as_bytes()))).collect();
    assert_eq!(listed, expected, "the names of a prefix, in byte order, with their values, and no others");
    clear(store).await;
}

async fn pages(store: &impl Store) {
    let names: Vec<String> = (0..25).map(|n| format!("contract/p/{n:02}")).collect();
    for name in names.iter().rev() {
        store.write(name, Bytes::from_static(b"v")).await.expect("write");
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.list("contract/p/", after.as_deref(), 10).await.expect("list");
        assert!(page.len() <= 10, "no more than asked for");
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page.into_iter().map(|(name, _)| name));
    }
    assert_eq!(seen, names, "pages join without gaps or repeats");
    let none = store.list("contract/p/", Some("contract/p/24"), 10).await.expect("list");
    assert!(none.is_empty(), "nothing is after the last");
    let from_gap = store.list("contract/p/", Some("contract/p/235"), 1).await.expect("list");
    assert_eq!(
        from_gap.first().map(|(n, _)| n.as_str()),
        Some("contract/p/24"),
        "after a name that is not there"
    );
    let before_all = store.list("contract/p/", Some("contract/a"), 1).await.expect("list");
    assert_eq!(
        before_all.first().map(|(n, _)| n.as_str()),
        Some("contract/p/00"),
        "after a name before the prefix"
    );
    let beyond = store.list("contract/p/", Some("contract/q"), 1).await.expect("list");
    assert!(beyond.is_empty(), "after a name behind the prefix");
    assert!(
        store.list("contract/p/", None, 0).await.expect("list").is_empty(),
        "none when none are asked for"
    );
    clear(store).await;
}

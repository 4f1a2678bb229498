//! Mutated configurations: whatever happens to the bytes, compiling answers and never panics.

use proptest::{prelude::*, sample::Index};

use super::{super::report::Source, *};

#[derive(Clone, Debug)]
enum Mutation {
    Cut(Index),
    Drop(Index, u8),
    Insert(Index, String),
    Swap(Index, Index),
    Remove,
    Rename(String),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let odd = prop_oneof![
        Just("\0".to_owned()),
        Just("\"".to_owned()),
        Just("[[".to_owned()),
        Just("{\"a\":".repeat(200)),
        Just("= ".to_owned()),
        Just("é\u{202e}\u{feff}".to_owned()),
        Just("-99999999999999999999".to_owned()),
        "\\PC{0,12}",
    ];
    prop_oneof![
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, count)| Mutation::Drop(at, count)),
        (any::<Index>(), odd.clone()).prop_map(|(at, text)| Mutation::Insert(at, text)),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        Just(Mutation::Remove),
        odd.prop_map(|name| Mutation::Rename(name.replace('/', "_"))),
    ]
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return String::new();
    }
    let len = characters.len();
    match mutation {
        Mutation::Cut(at) => characters.truncate(at.index(len)),
        Mutation::Drop(at, count) => {
            let start = at.index(len);
            drop(characters.drain(start..(start + usize::from(*count)).min(len)));
        }
        Mutation::Insert(at, text) => {
            let at = at.index(len);
            drop(characters.splice(at..at, text.chars()));
        }
        Mutation::Swap(one, other) => characters.swap(one.index(len), other.index(len)),
        Mutation::Remove | Mutation::Rename(_) => {}
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f26_mutated_configurations_never_panic(
        changes in prop::collection::vec((any::<Index>(), mutation()), 1..4),
    ) {
        let mut tree = sound();
        for (which, mutation) in changes {
            let names: Vec<String> = tree.files.keys().cloned().collect();
            let picked = which.index(names.len() + 1);
            let Some(name) = names.get(picked) else {
                tree.config = tree.config.map(|config| Source {
                    text: mutate(&config.text, &mutation).into(),
                    path: config.path,
                });
                continue;
            };
            let Some(source) = tree.files.remove(name) else { continue };
            let text = mutate(&source.text, &mutation).into();
            let name = match mutation {
                Mutation::Remove => continue,
                Mutation::Rename(suffix) => format!("{name}{suffix}"),
                _ => name.clone(),
            };
            tree.files.insert(name, Source { path: source.path, text });
        }
        match compile(&tree) {
            Ok(loaded) => prop_assert!(!loaded.warnings.has_errors()),
            Err(found) => {
                prop_assert!(found.has_errors());
                prop_assert!(found.iter().all(|one| one.fix.is_some()), "{}", found);
                prop_assert!(!found.to_text(false).is_empty());
            }
        }
    }
}

fn sound() -> Tree {
    static SOUND: std::sync::LazyLock<Tree> = std::sync::LazyLock::new(|| Tree::read(&base()));
    SOUND.clone()
}

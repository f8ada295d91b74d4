//! Whatever happens to a file, reading it ends in settings or an error, never in a panic.

use proptest::prelude::*;
use proptest::sample::Index;

use super::reference;
use crate::job::JobConfig;
use crate::policy::Policy;
use crate::settings::ProjectFile;

/// A change at a place: so many characters are replaced by a text.
type Mutation = (Index, usize, String);

fn mutation() -> impl Strategy<Value = Mutation> {
    let snippets = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\t",
        "  ",
        ":",
        "- ",
        "-",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "#",
        "&a",
        "*a",
        "<<: ",
        "!!binary",
        "|",
        ">",
        "---\n",
        "%",
        "0",
        "-1",
        "1e999",
        ".nan",
        "null",
        "~",
        "true",
        "9223372036854775808",
        "\u{feff}",
        "é",
        "日本",
        "{{ var('x') }}",
        "? ",
    ]);
    (any::<Index>(), 0_usize..12, prop_oneof![snippets.prop_map(str::to_owned), ".{0,4}"])
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (place, removed, inserted) in mutations {
        let start = place.index(characters.len() + 1);
        let end = (start + removed).min(characters.len());
        characters.splice(start..end, inserted.chars());
    }
    characters.into_iter().collect()
}

fn reads(file: &str, text: &str) -> Result<(), String> {
    let read = match file {
        "mainstay.yml" => ProjectFile::parse(file, text).map(|_| ()),
        "jobs/policies/retention.yml" => Policy::parse(file, text).map(|_| ()),
        _ => JobConfig::parse(file, text).map(|_| ()),
    };
    read.map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn no_mutation_panics(
        file in prop::sample::select(vec![
            "mainstay.yml", "jobs/daily_risk.yml", "jobs/train_churn.yml", "jobs/policies/retention.yml",
        ]),
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let text = std::fs::read_to_string(reference().join(file)).unwrap();
        if let Err(message) = reads(file, &mutated(&text, &mutations)) {
            prop_assert!(message.starts_with(&format!("{file}:")), "no place: {message}");
            prop_assert!(message.contains('^'), "no caret: {message}");
        }
    }
}

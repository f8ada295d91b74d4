//! What differs between two texts of a policy.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was changed from one text of a policy to another, a line a key in the order of the keys, such as
/// `budget.amount: 50000.0, was 5000.0`. Entries of lists are known by their names. Empty where both say the same, and where one of them cannot
/// be read.
pub fn policy_changes(before: &str, now: &str) -> Vec<String> {
    let (Ok(before), Ok(now)) = (serde_saphyr::from_str::<Value>(before), serde_saphyr::from_str::<Value>(now)) else {
        return Vec::new();
    };
    let (before, now) = (leaves(&before), leaves(&now));
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let change = |key: &String| match (before.get(key), now.get(key)) {
        (Some(before), Some(now)) if before == now => None,
        (Some(before), Some(now)) => Some(format!("{key}: {now}, was {before}")),
        (Some(before), None) => Some(format!("{key}: left out, was {before}")),
        (None, Some(now)) => Some(format!("{key}: {now}, was left out")),
        (None, None) => None,
    };
    keys.into_iter().filter_map(change).collect()
}

fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, path: String, into: &mut BTreeMap<String, String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| collect(value, below(key), into)),
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| position.to_string(), str::to_owned);
                collect(item, below(&name), into);
            }
        }
        Value::String(text) => {
            into.insert(path, text.clone());
        }
        other => {
            into.insert(path, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_that_says_something_else_is_named_with_both_values() {
        let before = "budget:\n  amount: 50000.00\n  pacing: price\ninterventions:\n  - {name: call, effect: 0.2}\n  - {name: mail, cost: 1.50}\n";
        let now = "# Reordered.\ninterventions:\n  - {name: mail, cost: 1.5, tier: high}\n  - {name: call, effect: 2}\nbudget:\n  amount: 5000000.00\n";
        assert_eq!(
            policy_changes(before, now),
            [
                "budget.amount: 5000000.0, was 50000.0",
                "budget.pacing: left out, was price",
                "interventions.call.effect: 2, was 0.2",
                "interventions.mail.tier: high, was left out",
            ]
        );
        assert!(policy_changes(before, before).is_empty());
        assert!(policy_changes(before, "a: [").is_empty());
    }
}

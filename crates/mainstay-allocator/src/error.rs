//! Why there is no plan, and what to do.

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// A floor cannot be kept together with the rules before it.
    #[error(
        "the rule `{rule}` cannot be kept: it needs {needed}, but at most {most} can be reached{}, {short} too little: {}",
        with(clashes_with),
        advice(clashes_with)
    )]
    OutOfReach {
        /// The floor.
        rule: String,
        /// What it asks for: money, or a number of contacts.
        needed: String,
        /// The most that any plan reaches.
        most: String,
        /// The difference.
        short: String,
        /// The rules that stand in its way.
        clashes_with: Vec<String>,
    },
    /// Neither a plan that keeps a floor was found nor a proof that there is none.
    #[error(
        "no plan was found that keeps the rule `{rule}`: it needs {needed}, and {reached} was reached: loosen it, or the rules before it"
    )]
    NoPlanFound {
        /// The floor.
        rule: String,
        /// What it asks for.
        needed: String,
        /// The most that was found.
        reached: String,
    },
}

fn with(rules: &[String]) -> String {
    if rules.is_empty() { String::new() } else { format!(" with {}", listed(rules)) }
}

fn advice(rules: &[String]) -> String {
    if rules.is_empty() {
        "lower it, or make more offers".to_owned()
    } else {
        format!("lower it, or loosen {}", listed(rules))
    }
}

fn listed(rules: &[String]) -> String {
    let names: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
    match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        names => names.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_so_where_neither_a_plan_nor_a_proof_is_found() {
        let error = AllocationError::NoPlanFound { rule: "a".into(), needed: "3".into(), reached: "2".into() };
        assert_eq!(
            error.to_string(),
            "no plan was found that keeps the rule `a`: it needs 3, and 2 was reached: loosen it, or the rules before it"
        );
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "`a`, `b` and `c`");
    }
}

//! The templates of SQL: `ref`, `source`, `refused`, `var`, `env_var`, `as_of`, `suppression_as_of` and `label_end`.
//!
//! They are written as in dbt where they mean the same; what dbt has and this does not is refused by name, but for `config()`, which is
//! passed over with a word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mainstay_config::UnknownName;
use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::error::ModelFault;

/// Steps after which a template is taken to run forever.
const FUEL: u64 = 200_000;

/// Names of dbt, and what is done here instead.
const OF_DBT: [(&str, &str); 16] = [
    ("is_incremental", "a model is computed whole as of each day: leave the block out"),
    ("this", "a model is computed whole as of each day, and cannot read what was published of it: leave it out"),
    ("run_started_at", "a day must give the same when it is run again: use as_of"),
    ("target", "a model reads the same wherever it is published: use var('name')"),
    ("dbt", "write the SQL that it makes"),
    ("dbt_utils", "write the SQL that it makes"),
    ("dbt_date", "write the SQL that it makes"),
    ("adapter", "write the SQL that it makes"),
    ("run_query", "a template cannot ask the data: write it in the SQL"),
    ("statement", "a template cannot ask the data: write it in the SQL"),
    ("execute", "a template is always executed: leave the test out"),
    ("modules", "use as_of and intervals of SQL"),
    ("exceptions", "state a test in the .yml beside the model"),
    ("log", "leave it out"),
    ("model", "leave it out"),
    ("return", "leave it out"),
];

/// What a template may name, and the SQL that each name stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Relations of the models.
    pub(crate) refs: BTreeMap<String, String>,
    /// Relations of the source tables, by (source, table).
    pub(crate) sources: BTreeMap<(String, String), String>,
    /// Relations of the rows that source tables refused, by the same key.
    pub(crate) refused: BTreeMap<(String, String), String>,
    /// Whether tables that no source has may be named too, to learn which ones a template names.
    pub(crate) names_any_source: bool,
    /// The project's variables.
    pub(crate) vars: BTreeMap<String, Value>,
    /// The instant of `as_of`.
    pub(crate) as_of: String,
    /// The instant of `suppression_as_of`: that of `as_of`, but for what decides who may be contacted.
    pub(crate) suppression_as_of: String,
    /// The instant of `label_end`; labels alone have one.
    pub(crate) label_end: Option<String>,
}

/// A template as SQL, and what it named on the way.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) sql: String,
    pub(crate) refs: BTreeSet<String>,
    /// Tables whose rows it reads, sound or refused.
    pub(crate) sources: BTreeSet<(String, String)>,
    /// Those of them whose refused rows it reads.
    pub(crate) refused: BTreeSet<(String, String)>,
    /// The variables of the project that it reads.
    pub(crate) variables: BTreeSet<String>,
    /// What was passed over, as `file:line: message`.
    pub(crate) warnings: BTreeSet<String>,
}

/// Fills in a template; `file` is named in errors.
pub(crate) fn render(file: &str, text: &str, scope: &Scope) -> Result<Rendered, ModelFault> {
    let named = Arc::new(Mutex::new(Named::default()));
    let environment = environment(scope, &named);
    let fault = |error: &Error| ModelFault::new(file, describe(error)).at_line(error.line());
    let template = environment.template_from_named_str(file, text).map_err(|error| fault(&error))?;
    refuse_unknown_names(file, text, &environment, template.undeclared_variables(false))?;
    let sql = template.render(()).map_err(|error| fault(&error))?;
    let Named { refs, sources, refused, variables, passed_over } = std::mem::take(&mut *lock(&named));
    let warning = |(called, message): &(&str, String)| {
        let line = text.lines().position(|line| line.contains(called)).map(|index| index + 1);
        ModelFault::new(file, message.as_str()).at_line(line).to_string()
    };
    let warnings = passed_over.iter().map(warning).collect();
    Ok(Rendered { sql, refs, sources, refused, variables, warnings })
}

#[derive(Debug, Default)]
struct Named {
    refs: BTreeSet<String>,
    sources: BTreeSet<(String, String)>,
    refused: BTreeSet<(String, String)>,
    variables: BTreeSet<String>,
    /// What was called, and what is said of it.
    passed_over: BTreeSet<(&'static str, String)>,
}

fn lock(named: &Mutex<Named>) -> std::sync::MutexGuard<'_, Named> {
    named.lock().unwrap_or_else(PoisonError::into_inner)
}

fn environment(scope: &Scope, named: &Arc<Mutex<Named>>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_global("as_of", Value::from(scope.as_of.clone()));
    environment.add_global("suppression_as_of", Value::from(scope.suppression_as_of.clone()));
    if let Some(label_end) = &scope.label_end {
        environment.add_global("label_end", Value::from(label_end.clone()));
    }
    let (refs, log) = (scope.refs.clone(), Arc::clone(named));
    environment.add_function("ref", move |given: Rest<ValueOrKwargs>| {
        let model = model_name(&given.into_values())?;
        let relation = refs.get(&model).cloned().ok_or_else(|| unknown("model", &model, refs.keys().cloned()))?;
        lock(&log).refs.insert(model);
        Ok::<_, Error>(relation)
    });
    let (sources, names_any, log) = (scope.sources.clone(), scope.names_any_source, Arc::clone(named));
    environment.add_function("source", move |given: Rest<ValueOrKwargs>| {
        let key = table_key("source", &given.into_values())?;
        let relation = relation_of(&sources, &key, names_any)?;
        lock(&log).sources.insert(key);
        Ok::<_, Error>(relation)
    });
    let (refused, names_any, log) = (scope.refused.clone(), scope.names_any_source, Arc::clone(named));
    environment.add_function("refused", move |given: Rest<ValueOrKwargs>| {
        let key = table_key("refused", &given.into_values())?;
        let relation = relation_of(&refused, &key, names_any)?;
        let mut named = lock(&log);
        named.sources.insert(key.clone());
        named.refused.insert(key);
        Ok::<_, Error>(relation)
    });
    let (vars, log) = (scope.vars.clone(), Arc::clone(named));
    environment.add_function("var", move |given: Rest<ValueOrKwargs>| {
        let (value, slip) = var(&vars, &given.into_values())?;
        let mut named = lock(&log);
        match slip {
            Ok(name) => _ = named.variables.insert(name),
            Err(slip) => named.passed_over.extend(slip.map(|message| ("var(", message))),
        }
        Ok::<_, Error>(value)
    });
    environment.add_function("env_var", |given: Rest<ValueOrKwargs>| env_var(&given.into_values()));
    let log = Arc::clone(named);
    environment.add_function("config", move |given: Rest<ValueOrKwargs>| {
        lock(&log).passed_over.insert(("config(", config(&given.into_values())?));
        Ok::<_, Error>("")
    });
    environment
}

/// The arguments of a call where all of them are texts, none given by its name.
fn texts(given: &[Value]) -> Option<Vec<&str>> {
    given.iter().map(Value::as_str).collect()
}

fn wrong_call(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn model_name(given: &[Value]) -> Result<String, Error> {
    match texts(given).as_deref() {
        Some([model]) => Ok((*model).to_owned()),
        Some([package, model]) => Err(wrong_call(format!(
            "ref('{package}', '{model}') names a package, but there is one model of each name, the project's own before that of the \
             project that it extends: write ref('{model}')"
        ))),
        _ => Err(wrong_call("ref() takes the name of a model and nothing else, such as ref('stg_orders')")),
    }
}

fn table_key(called: &str, given: &[Value]) -> Result<(String, String), Error> {
    match texts(given).as_deref() {
        Some([source, table]) => Ok(((*source).to_owned(), (*table).to_owned())),
        _ => Err(wrong_call(format!(
            "{called}() takes the names of a source and of one of its tables, such as {called}('retailer', 'orders')"
        ))),
    }
}

/// The value of a variable, and its name; or its default, and what is to be said of that.
fn var(vars: &BTreeMap<String, Value>, given: &[Value]) -> Result<(Value, Result<String, Option<String>>), Error> {
    let takes = || {
        wrong_call(
            "var() takes the name of a variable, and a default where it may be unset, such as var('active_days', 365)",
        )
    };
    let (name, default) = match given {
        [name] => (name, None),
        [name, default] if !default.is_kwargs() => (name, Some(default)),
        _ => return Err(takes()),
    };
    let name = name.as_str().ok_or_else(takes)?;
    match (vars.get(name), default) {
        (Some(value), _) => Ok((value.clone(), Ok(name.to_owned()))),
        (None, Some(default)) => {
            let near = UnknownName::new("variable", name, vars.keys().cloned());
            let message = |near| {
                format!("variable `{name}` is not set and stands for its default {default}, did you mean `{near}`?")
            };
            Ok((default.clone(), Err(near.slip_of().map(message))))
        }
        (None, None) => Err(unknown("variable", name, vars.keys().cloned())),
    }
}

/// What is said of a `config()`, which decides nothing here.
fn config(given: &[Value]) -> Result<String, Error> {
    let mut keys = BTreeSet::new();
    for settings in given {
        for key in settings.try_iter()? {
            let is_enabled = settings.get_item(&key)?;
            let key = key.to_string();
            if key == "enabled" && !is_enabled.is_true() {
                return Err(wrong_call(
                    "config(enabled=false): a file below sql/ is a model: move it out of the folder",
                ));
            }
            keys.insert(key);
        }
    }
    let keys: Vec<String> = keys.into_iter().collect();
    Ok(format!(
        "config({}) is passed over: every model is a query that is computed anew as of each day; leave it out",
        keys.join(", ")
    ))
}

fn relation_of(
    relations: &BTreeMap<(String, String), String>,
    key: &(String, String),
    names_any: bool,
) -> Result<String, Error> {
    let name = |(source, table): &(String, String)| format!("{source}.{table}");
    match relations.get(key) {
        Some(relation) => Ok(relation.clone()),
        None if names_any => Ok(name(key)),
        None => Err(unknown("source", &name(key), relations.keys().map(name))),
    }
}

fn env_var(given: &[Value]) -> Result<String, Error> {
    let takes =
        || wrong_call("env_var() takes the name of an environment variable, and a default where it may be unset");
    let (name, default) = match given {
        [name] => (name, None),
        [name, default] if !default.is_kwargs() => (name, Some(default.to_string())),
        _ => return Err(takes()),
    };
    let name = name.as_str().ok_or_else(takes)?;
    std::env::var(name).ok().or(default).ok_or_else(|| {
        wrong_call(format!(
            "environment variable `{name}` is not set: set it, or give a default: env_var('{name}', 'value')"
        ))
    })
}

fn unknown(kind: &'static str, name: &str, known: impl Iterator<Item = String>) -> Error {
    let unknown = UnknownName::new(kind, name, known);
    Error::new(ErrorKind::InvalidOperation, format!("{unknown} ({})", unknown.known_names()))
}

fn refuse_unknown_names(
    file: &str,
    text: &str,
    environment: &Environment<'_>,
    used: impl IntoIterator<Item = String>,
) -> Result<(), ModelFault> {
    let known: BTreeSet<String> = environment.globals().map(|(name, _)| name.to_owned()).collect();
    let used: BTreeSet<String> = used.into_iter().collect();
    let Some(name) = used.difference(&known).next() else {
        return Ok(());
    };
    let of_dbt = OF_DBT.iter().find(|(of_dbt, _)| name == of_dbt);
    let message = if name == "label_end" {
        "`label_end` stands for an instant after as-of: only models under sql/labels may look ahead".to_owned()
    } else if let Some((_, instead)) = of_dbt {
        format!("`{name}` is of dbt and stands for nothing here: {instead}")
    } else {
        let ours = ["as_of", "env_var", "label_end", "ref", "refused", "source", "suppression_as_of", "var"];
        let unknown = UnknownName::new("name", name, ours);
        format!("{unknown} ({}; a variable of the project is read with var('{name}'))", unknown.known_names())
    };
    let line = text.lines().position(|line| line.contains(name.as_str())).map(|index| index + 1);
    Err(ModelFault::new(file, message).at_line(line))
}

fn describe(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the template does not come to an end: shorten its loops".to_owned(),
        (ErrorKind::SyntaxError, Some(detail)) => format!("the template is not well formed: {detail}"),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            refs: BTreeMap::from([("stg_orders".to_owned(), "t.stg_orders".to_owned())]),
            sources: BTreeMap::from([(("retailer".to_owned(), "orders".to_owned()), "t.orders".to_owned())]),
            refused: BTreeMap::from([(("retailer".to_owned(), "orders".to_owned()), "t.refused".to_owned())]),
            names_any_source: false,
            vars: BTreeMap::from([("active_days".to_owned(), Value::from(365))]),
            as_of: "AS_OF".to_owned(),
            suppression_as_of: "NOW".to_owned(),
            label_end: None,
        }
    }

    fn fault(text: &str) -> String {
        render("sql/features/feat_x.sql", text, &scope()).unwrap_err().to_string()
    }

    #[test]
    fn fills_in_names_and_remembers_them() {
        let text = "select {{ var('active_days') }}, {{ as_of }}\nfrom {{ ref('stg_orders') }}, {{ source('retailer', 'orders') }}\n";
        let rendered = render("x.sql", text, &scope()).unwrap();
        assert_eq!(rendered.sql, "select 365, AS_OF\nfrom t.stg_orders, t.orders");
        assert!(rendered.refs.contains("stg_orders"));
        assert!(rendered.sources.contains(&("retailer".to_owned(), "orders".to_owned())));
    }

    #[test]
    fn refused_rows_are_read_by_their_own_name() {
        let rendered = render("x.sql", "{{ refused('retailer', 'orders') }}", &scope()).unwrap();
        assert_eq!(rendered.sql, "t.refused");
        assert_eq!((rendered.sources.len(), rendered.refused.len()), (1, 1), "a table is read either way");
        assert_eq!(
            fault("{{ refused('retailer', 'order') }}"),
            "sql/features/feat_x.sql:1: unknown source `retailer.order`, did you mean `retailer.orders`? (known sources: retailer.orders)"
        );
    }

    #[test]
    fn faults_name_the_line_and_the_nearest_name() {
        insta::assert_snapshot!(fault("select 1\nfrom {{ ref('stg_order') }}"), @"sql/features/feat_x.sql:2: unknown model `stg_order`, did you mean `stg_orders`? (known models: stg_orders)");
        insta::assert_snapshot!(fault("\n\n{{ source('retailer', 'order') }}"), @"sql/features/feat_x.sql:3: unknown source `retailer.order`, did you mean `retailer.orders`? (known sources: retailer.orders)");
        insta::assert_snapshot!(fault("{{ var('active_day') }}"), @"sql/features/feat_x.sql:1: unknown variable `active_day`, did you mean `active_days`? (known variables: active_days)");
        insta::assert_snapshot!(fault("select\n  {{ as_off }}"), @"sql/features/feat_x.sql:2: unknown name `as_off`, did you mean `as_of`? (known names: as_of, env_var, label_end, ref, refused, source, suppression_as_of, var; a variable of the project is read with var('as_off'))");
        insta::assert_snapshot!(fault("{{ env_var('MAINSTAY_TEST_UNSET') }}"), @"sql/features/feat_x.sql:1: environment variable `MAINSTAY_TEST_UNSET` is not set: set it, or give a default: env_var('MAINSTAY_TEST_UNSET', 'value')");
        insta::assert_snapshot!(fault("select 1\n{{ ref('stg_orders' }}"), @"sql/features/feat_x.sql:2: the template is not well formed: unexpected `}`, expected `,`");
    }

    #[test]
    fn only_labels_look_ahead() {
        insta::assert_snapshot!(fault("select 1\nwhere t < {{ label_end }}"), @"sql/features/feat_x.sql:2: `label_end` stands for an instant after as-of: only models under sql/labels may look ahead");
        let label = Scope { label_end: Some("END".to_owned()), ..scope() };
        assert_eq!(render("x.sql", "{{ label_end }}", &label).unwrap().sql, "END");
    }

    #[test]
    fn a_template_without_end_is_stopped() {
        let message = fault("{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}");
        assert_eq!(message, "sql/features/feat_x.sql:1: the template does not come to an end: shorten its loops");
    }

    #[test]
    fn a_variable_that_is_not_set_stands_for_its_default() {
        let rendered = render("x.sql", "{{ var('active_days', 30) }} {{ var('other', 'x') }}", &scope()).unwrap();
        assert_eq!(rendered.sql, "365 x");
        assert_eq!(rendered.variables.into_iter().collect::<Vec<_>>(), ["active_days"]);
        assert!(rendered.warnings.is_empty());
        let slip = render("x.sql", "select\n{{ var('active_day', 30) }}", &scope()).unwrap();
        insta::assert_snapshot!(slip.warnings.into_iter().collect::<String>(), @"x.sql:2: variable `active_day` is not set and stands for its default 30, did you mean `active_days`?");
    }

    #[test]
    fn calls_say_what_they_take() {
        insta::assert_snapshot!(fault("select 1\nfrom {{ ref('shop', 'stg_orders') }}"), @"sql/features/feat_x.sql:2: ref('shop', 'stg_orders') names a package, but there is one model of each name, the project's own before that of the project that it extends: write ref('stg_orders')");
        insta::assert_snapshot!(fault("{{ ref('stg_orders', v=2) }}"), @"sql/features/feat_x.sql:1: ref() takes the name of a model and nothing else, such as ref('stg_orders')");
        insta::assert_snapshot!(fault("{{ source('orders') }}"), @"sql/features/feat_x.sql:1: source() takes the names of a source and of one of its tables, such as source('retailer', 'orders')");
        insta::assert_snapshot!(fault("{{ var() }}"), @"sql/features/feat_x.sql:1: var() takes the name of a variable, and a default where it may be unset, such as var('active_days', 365)");
        insta::assert_snapshot!(fault("{{ var('a', default=3) }}"), @"sql/features/feat_x.sql:1: var() takes the name of a variable, and a default where it may be unset, such as var('active_days', 365)");
        insta::assert_snapshot!(fault("{{ env_var() }}"), @"sql/features/feat_x.sql:1: env_var() takes the name of an environment variable, and a default where it may be unset");
    }

    #[test]
    fn config_is_passed_over_with_a_word() {
        let text = "-- Orders.\n{{ config(materialized='incremental', tags=['daily']) }}\nselect 1";
        let rendered = render("sql/staging/stg_x.sql", text, &scope()).unwrap();
        assert_eq!(rendered.sql, "-- Orders.\n\nselect 1");
        insta::assert_snapshot!(rendered.warnings.into_iter().collect::<String>(), @"sql/staging/stg_x.sql:2: config(materialized, tags) is passed over: every model is a query that is computed anew as of each day; leave it out");
        insta::assert_snapshot!(fault("{{ config({'enabled': false}) }}"), @"sql/features/feat_x.sql:1: config(enabled=false): a file below sql/ is a model: move it out of the folder");
    }

    #[test]
    fn what_only_dbt_has_is_refused_by_name() {
        insta::assert_snapshot!(fault("select 1\n{% if is_incremental() %} where a > 1 {% endif %}"), @"sql/features/feat_x.sql:2: `is_incremental` is of dbt and stands for nothing here: a model is computed whole as of each day: leave the block out");
        insta::assert_snapshot!(fault("select {{ dbt_utils.star(ref('stg_orders')) }}"), @"sql/features/feat_x.sql:1: `dbt_utils` is of dbt and stands for nothing here: write the SQL that it makes");
        insta::assert_snapshot!(fault("select '{{ run_started_at }}'"), @"sql/features/feat_x.sql:1: `run_started_at` is of dbt and stands for nothing here: a day must give the same when it is run again: use as_of");
    }

    #[test]
    fn env_var_takes_its_default() {
        assert_eq!(render("x.sql", "{{ env_var('MAINSTAY_TEST_UNSET', 'd') }}", &scope()).unwrap().sql, "d");
    }
}

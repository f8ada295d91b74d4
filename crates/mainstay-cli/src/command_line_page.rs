//! The page of the command line, which is written from what the command is built of.
#![cfg(feature = "simulator")] // It lists every verb.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::bug;
use crate::command_line::Arguments;

const HEAD: &str = "\
# The command line

Written from the arguments of `crates/mainstay-cli` by a test: change it there, and write all such pages again with
`MAINSTAY_WRITE_DOCS=1 cargo test --workspace --lib -- the_page`.

Every verb with its arguments and flags, as `mainstay help VERB` says them. Results go to standard output, progress, warnings and errors to
standard error.
";

fn exit_codes() -> String {
    let rows = [
        (0, "Done; also where the day was done already, unless `--done-exit-code` says otherwise."),
        (
            1,
            "A failure that was handled: the message says where, what and what to do. Worth another attempt where something outside has changed.",
        ),
        (2, "Wrong usage: a flag or argument is missing, unknown or cannot be read. Another attempt ends the same."),
        (
            bug::EXIT_CODE.into(),
            "A bug: a panic, in whatever thread. Nothing that was published before is touched. Please report it.",
        ),
    ];
    let mut text = "\n## Exit codes\n\n| code | means |\n|---|---|\n".to_owned();
    rows.iter().for_each(|(code, meaning)| writeln!(text, "| {code} | {meaning} |").unwrap());
    text
}

fn page() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut page = HEAD.to_owned();
    page.push_str(&exit_codes());
    page.push_str("\n## Flags of every verb\n\n");
    page.push_str(&table(command.get_arguments().filter(|arg| arg.is_global_set())));
    command.get_subcommands_mut().for_each(|verb| write_verb(&mut page, verb, "mainstay"));
    page
}

/// A verb, or those below it.
fn write_verb(page: &mut String, verb: &mut Command, above: &str) {
    if verb.get_name() == "help" || verb.is_hide_set() {
        return;
    }
    let name = format!("{above} {}", verb.get_name());
    if verb.has_subcommands() {
        verb.get_subcommands_mut().for_each(|verb| write_verb(page, verb, &name));
        return;
    }
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = verb.render_usage().to_string().replace("Usage: ", "");
    let usage: Vec<&str> = usage.split_whitespace().collect();
    writeln!(page, "\n## {name}\n\n{}\n\n```\n{}\n```", sentence(&about), usage.join(" ")).unwrap();
    let own: Vec<&Arg> = verb.get_arguments().filter(|arg| !arg.is_global_set() && is_shown(arg)).collect();
    if !own.is_empty() {
        page.push('\n');
        page.push_str(&table(own.into_iter()));
    }
}

fn is_shown(arg: &Arg) -> bool {
    !arg.is_hide_set()
        && !matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpLong | ArgAction::HelpShort | ArgAction::Version
        )
}

fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = "| argument | default | meaning |\n|---|---|---|\n".to_owned();
    for arg in args {
        writeln!(text, "| {} | {} | {} |", written(arg), default(arg), meaning(arg)).unwrap();
    }
    text
}

/// How an argument is written: `-o, --output-format <FORMAT>`.
fn written(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    let flag = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    let parts = [flag, if arg.get_action().takes_values() { value } else { String::new() }];
    let others =
        arg.get_visible_aliases().into_iter().flatten().map(|alias| format!(" or `--{alias}`")).collect::<String>();
    format!("`{}`{others}", parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
}

fn default(arg: &Arg) -> String {
    let stated: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    match stated.join(" ").as_str() {
        _ if arg.is_required_set() => "required".to_owned(),
        "" => "none".to_owned(),
        _ if !arg.get_action().takes_values() => "none".to_owned(),
        stated => format!("`{stated}`"),
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = if arg.get_action().takes_values() { arg.get_possible_values() } else { Vec::new() };
    let values = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
        let help = value.get_help().map(|help| format!(": {}", sentence(&help.to_string()))).unwrap_or_default();
        format!(" `{}`{help}", value.get_name())
    });
    let is_list = arg.get_value_delimiter() == Some(',') && !help.contains("commas");
    let list = if is_list { " Separated by commas." } else { "" };
    let environment =
        arg.get_env().map(|name| format!(" Environment: `{}`.", name.to_string_lossy())).unwrap_or_default();
    let text = format!("{}{}{list}{environment}", sentence(&help), values.collect::<String>());
    cell(&text)
}

/// A text as a cell of a table, on one line; what stands between angle brackets is no tag of HTML, but in code it never is.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let parts = line.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("`")
}

/// A help text as a sentence: clap takes its last point away.
fn sentence(help: &str) -> String {
    let help = help.trim();
    if help.is_empty() || help.ends_with(['.', '?', '!']) { help.to_owned() } else { format!("{help}.") }
}

#[test]
fn the_page_of_the_command_line_is_what_the_command_takes() {
    let expected = page();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/command-line.md");
    if std::env::var("MAINSTAY_WRITE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&file, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == expected, "docs/reference/command-line.md is not what the command takes: see its head");
}

#[test]
fn wrong_usage_has_the_exit_code_that_the_page_states() {
    let refused = Arguments::command().try_get_matches_from(["mainstay", "--no-such-flag"]).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
}

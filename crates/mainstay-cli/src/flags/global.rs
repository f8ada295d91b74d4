//! What every verb takes: where the project is, and how results and progress are written.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every verb takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Folder of the project, with its mainstay.yml.
    #[arg(long, global = true, default_value = ".", env = "MAINSTAY_PROJECT_DIR")]
    pub(crate) project_dir: PathBuf,
    /// Target of mainstay.yml to use instead of its default_target.
    #[arg(long, global = true)]
    pub(crate) target: Option<String>,
    /// Variables that win over those of mainstay.yml, as YAML: 'data: /srv/data, active_days: 180'.
    #[arg(long, global = true, default_value = "")]
    pub(crate) vars: String,
    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output_format: Output,
    /// How progress and logs are written, on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// No progress, only results, warnings and errors.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// No colours and no moving bars.
    #[arg(long, global = true, env = "NO_COLOR", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) no_color: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables for people.
    Text,
    /// One JSON document for programs.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Bars on a terminal, plain lines otherwise.
    Text,
    /// One JSON object a line.
    Json,
}

//! Draws the events of a run on standard error: bars on a terminal, plain lines otherwise, JSON lines on request.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mainstay_job::progress::{Event, Observer};
use serde_json::json;

use crate::flags::{GlobalArguments, LogFormat};

/// The observer that fits the flags and the terminal.
pub(crate) fn observer(arguments: &GlobalArguments) -> Arc<dyn Observer> {
    match arguments.log_format {
        _ if arguments.quiet => Arc::new(WarningsOnly(arguments.log_format)),
        LogFormat::Json => Arc::new(JsonLines),
        LogFormat::Text if std::io::stderr().is_terminal() && !arguments.no_color => Arc::new(Bars::default()),
        LogFormat::Text => Arc::new(PlainLines),
    }
}

fn write_line(line: &str) {
    // Progress that cannot be written is no reason to fail a run.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// No progress, but what a reader must know is shown all the same.
struct WarningsOnly(LogFormat);

impl Observer for WarningsOnly {
    fn observe(&self, event: &Event) {
        match (event, self.0) {
            (Event::Warning(_) | Event::Stuck(_), LogFormat::Json) => JsonLines.observe(event),
            (Event::Warning(_) | Event::Stuck(_), LogFormat::Text) => PlainLines.observe(event),
            _ => {}
        }
    }
}

/// The line of an error, in the form of the log.
pub(crate) fn error_line(format: LogFormat, message: &str) -> String {
    match format {
        LogFormat::Json => json!({"event": "error", "message": message}).to_string(),
        LogFormat::Text => format!("error: {message}"),
    }
}

struct JsonLines;

impl Observer for JsonLines {
    fn observe(&self, event: &Event) {
        let line = match event {
            Event::Started { step } => json!({"event": "step_started", "step": step.as_str()}),
            // A line for each batch would drown the log.
            Event::Advanced { .. } => return,
            Event::Finished { step, summary, seconds } => {
                json!({"event": "step_finished", "step": step.as_str(), "summary": summary, "seconds": seconds})
            }
            Event::Warning(message) => json!({"event": "warning", "message": message}),
            Event::Stuck(message) => end(LogFormat::Json, message),
        };
        write_line(&line.to_string());
    }
}

struct PlainLines;

impl Observer for PlainLines {
    fn observe(&self, event: &Event) {
        match event {
            Event::Started { .. } | Event::Advanced { .. } => {}
            Event::Finished { step, summary, seconds } => write_line(&finished(step.as_str(), summary, *seconds)),
            Event::Warning(message) => write_line(&format!("warning: {message}")),
            Event::Stuck(message) => end(LogFormat::Text, message),
        }
    }
}

/// Ends the process as a failure that is explained.
fn end(format: LogFormat, message: &str) -> ! {
    write_line(&error_line(format, message));
    std::process::exit(1)
}

fn finished(step: &str, summary: &str, seconds: f64) -> String {
    format!("{step:<9} {seconds:>6.1} s  {summary}")
}

#[derive(Default)]
struct Bars {
    bar: Mutex<Option<ProgressBar>>,
}

impl Observer for Bars {
    fn observe(&self, event: &Event) {
        let mut current = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step } => {
                let bar = ProgressBar::new_spinner().with_prefix(step.as_str());
                bar.set_style(spinner());
                bar.enable_steady_tick(Duration::from_millis(120));
                *current = Some(bar);
            }
            Event::Advanced { done, total, unit, .. } => {
                if let Some(bar) = current.as_ref() {
                    match total {
                        Some(total) if bar.length() != Some(*total) => {
                            bar.set_length(*total);
                            bar.set_style(counted());
                        }
                        None if bar.length().is_some() => {
                            bar.unset_length();
                            bar.set_style(spinner());
                        }
                        _ => {}
                    }
                    bar.set_message(*unit);
                    bar.set_position(*done);
                }
            }
            Event::Finished { step, summary, seconds } => {
                if let Some(bar) = current.take() {
                    bar.finish_and_clear();
                }
                write_line(&finished(step.as_str(), summary, *seconds));
            }
            Event::Warning(message) => match current.as_ref() {
                Some(bar) => bar.suspend(|| write_line(&format!("warning: {message}"))),
                None => write_line(&format!("warning: {message}")),
            },
            Event::Stuck(message) => {
                if let Some(bar) = current.take() {
                    bar.finish_and_clear();
                }
                end(LogFormat::Text, message)
            }
        }
    }
}

fn spinner() -> ProgressStyle {
    style("{prefix:<9} {elapsed:>6} {spinner} {human_pos} {msg}")
}

fn counted() -> ProgressStyle {
    style("{prefix:<9} {elapsed:>6} {bar:30} {human_pos}/{human_len} {msg}, {eta} left")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

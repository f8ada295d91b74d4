//! The project that the flags name, opened.

use anyhow::Result;
use mainstay_job::progress::Progress;
use mainstay_job::{Access, OpenOptions, OpenProject};

use crate::flags::{ExecutionArguments, GlobalArguments, session_settings};
use crate::progress::observer;

/// Opens the project; `execution` says how plans are executed, where the verb takes such flags.
pub(crate) async fn open(
    global: &GlobalArguments,
    access: Access,
    execution: Option<&ExecutionArguments>,
) -> Result<OpenProject> {
    let options = OpenOptions {
        folder: &global.project_dir,
        target: global.target.as_deref(),
        vars: &global.vars,
        session: execution.map(session_settings).unwrap_or_default(),
        access,
    };
    OpenProject::open(&options, Progress::new(observer(global))).await
}

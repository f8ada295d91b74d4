//! A job's schedule as files for the schedulers of a machine: a service and a timer of systemd, or a crontab.

use std::path::{Component, Path, PathBuf};

use mainstay_job::schedule::ScheduleView;

mod calendar;

use calendar::{cron_fields, on_calendar};

/// Attempts at a run, the first included.
const ATTEMPTS: usize = 4;
/// The hours within which the attempts are counted: four that hang for [`HANGS_HOURS`] each, with their pauses, fall into it, while a
/// daily run does not meet those of the day before.
const COUNTED_HOURS: u32 = 16;
/// After so long a run counts as hanging.
const HANGS_HOURS: u32 = 3;

/// How the command is called.
pub(crate) struct Service {
    /// Path of the command.
    pub(crate) command: PathBuf,
    /// The folder of the project.
    pub(crate) folder: PathBuf,
    /// The account that runs it.
    pub(crate) user: String,
    /// Flags that choose target and variables.
    pub(crate) further: Vec<String>,
}

impl Service {
    /// All that comes from outside, by name.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let paths = [("command", &self.command), ("folder", &self.folder)];
        let paths = paths.into_iter().map(|(name, path)| (name, path.display().to_string()));
        let further = self.further.iter().map(|text| ("argument", text.clone()));
        paths.chain([("user", self.user.clone())]).chain(further)
    }

    /// The run of the day that it is in the project's time zone: data that did not arrive fail it, and are not taken for a day done.
    fn words(&self, job: &str) -> Vec<String> {
        let fixed = ["--date", "today", "--log-format", "json", "--no-color"].map(str::to_owned);
        let command = [self.command.display().to_string(), "run".to_owned(), job.to_owned()];
        command.into_iter().chain(self.further.iter().cloned()).chain(fixed).collect()
    }
}

/// A file for a scheduler.
#[derive(Debug, serde::Serialize)]
pub(crate) struct UnitFile {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// The service that runs the job, and the timer that starts it.
pub(crate) fn systemd(view: &ScheduleView, service: &Service) -> Vec<UnitFile> {
    let unit = format!("mainstay-{}", view.job.replace('_', "-"));
    vec![
        UnitFile { name: format!("{unit}.service"), content: service_unit(view, service) },
        UnitFile { name: format!("{unit}.timer"), content: timer_unit(view) },
    ]
}

fn service_unit(view: &ScheduleView, service: &Service) -> String {
    let command: Vec<String> = service.words(&view.job).iter().map(|word| systemd_word(word, true)).collect();
    let written: Vec<String> = writable(view, service).iter().map(|path| systemd_word(path, false)).collect();
    format!(
        "# Written by `mainstay schedule {job} --format systemd`: change `schedule:` of the job and write it anew.
[Unit]
Description=Mainstay job {job}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec={COUNTED_HOURS}h
StartLimitBurst={burst}

[Service]
Type=oneshot
User={user}
WorkingDirectory={folder}
# Today by the project's time zone: a day whose data did not arrive fails instead of being taken for done.
ExecStart={command}
# Tried again: 1, a failure that was explained (a later attempt may find the missing data), 101, a bug, and a kill. Not so 2, wrong usage.
Restart=on-failure
RestartSec=15min
RestartPreventExitStatus=2
# A run that hangs is ended and tried again.
TimeoutStartSec={HANGS_HOURS}h
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
ReadWritePaths={written}
",
        job = view.job,
        burst = ATTEMPTS * view.cron.most_within_hours(COUNTED_HOURS),
        user = service.user.replace('%', "%%"),
        folder = service.folder.display().to_string().replace('%', "%%"),
        command = command.join(" "),
        protect_home = if is_at_home(view, service) { "read-only" } else { "yes" },
        written = written.join(" "),
    )
}

fn timer_unit(view: &ScheduleView) -> String {
    let lines = on_calendar(&view.cron, &view.time_zone);
    let lines: Vec<String> = lines.iter().map(|line| format!("OnCalendar={line}")).collect();
    format!(
        "# Written by `mainstay schedule {job} --format systemd`: `{cron}` in {time_zone}.
[Unit]
Description=When the Mainstay job {job} runs

[Timer]
{lines}
# A machine that was down runs the day that it is when it is back (`mainstay backfill` runs those between); a day that is done is left alone.
Persistent=true

[Install]
WantedBy=timers.target
",
        job = view.job,
        cron = view.cron,
        time_zone = view.time_zone,
        lines = lines.join("\n"),
    )
}

/// A crontab of the account that runs the job.
pub(crate) fn crontab(view: &ScheduleView, service: &Service) -> UnitFile {
    let folder = shell_word(&service.folder.display().to_string());
    let command: Vec<String> = service.words(&view.job).iter().map(|word| shell_word(word)).collect();
    let content = format!(
        "# Written by `mainstay schedule {job} --format cron`, for the crontab of the account that runs the job.
# CRON_TZ is known to cronie (Fedora, RHEL, Arch). The cron of Debian and Ubuntu reads times in the machine's own time zone all the same:
# there take `--format systemd`. Cron does not try a failed run again.
CRON_TZ={time_zone}
{fields} cd {folder} && {command}
",
        job = view.job,
        time_zone = view.time_zone,
        fields = cron_fields(&view.cron),
        command = command.join(" ").replace('%', "\\%"),
        folder = folder.replace('%', "\\%"),
    );
    UnitFile { name: format!("mainstay-{}.crontab", view.job.replace('_', "-")), content }
}

/// The project's folder, where models of a target below it lie too, and a target elsewhere.
fn writable(view: &ScheduleView, service: &Service) -> Vec<String> {
    let target = without_detours(Path::new(&view.target));
    let is_elsewhere = target.is_absolute() && !target.starts_with(&view.folder);
    let target = is_elsewhere.then(|| target.display().to_string());
    [service.folder.display().to_string()].into_iter().chain(target).collect()
}

/// A path whose `..` are gone, so that it can be compared.
fn without_detours(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut shorter, part| {
        match part {
            Component::ParentDir => drop(shorter.pop()),
            Component::CurDir => {}
            part => shorter.push(part),
        }
        shorter
    })
}

/// Whether anything that the service needs lies where `ProtectHome=yes` would hide it.
fn is_at_home(view: &ScheduleView, service: &Service) -> bool {
    let paths = [service.folder.as_path(), service.command.as_path(), Path::new(&view.target)];
    paths.iter().any(|path| ["/home", "/root", "/run/user"].iter().any(|home| path.starts_with(home)))
}

/// A word of a unit; `expands` where variables are expanded in it.
fn systemd_word(word: &str, expands: bool) -> String {
    let escaped = word.replace('%', "%%").replace('\\', "\\\\").replace('"', "\\\"");
    let escaped = if expands { escaped.replace('$', "$$") } else { escaped };
    if is_plain(word) { escaped } else { format!("\"{escaped}\"") }
}

fn shell_word(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || "-_./:=,+@".contains(char))
}

#[cfg(test)]
mod tests;

//! Runs the command as a user does and reads what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The root of the repository, which is the reference project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Generated data that every test may read: 600 customers over 600 days from 2024-01-01, so that the newest day is 2025-08-22.
pub(crate) fn generated_data() -> &'static Path {
    static DATA: OnceLock<TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let generated = Command::new(env!("CARGO_BIN_EXE_mainstay-under-test"))
            .args(["generate", "--customers", "600", "--days", "600", "--seed", "7", "--output-dir"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(generated.status.success(), "{}", text(&generated.stderr));
        folder
    })
    .path()
}

/// The folder of a real retailer's data beside the repository, of which they are no part. Tests that ask for it are ignored where it
/// is absent (`build.rs`), unless `MAINSTAY_REQUIRE_DATA` is set, as in CI.
pub(crate) fn real_data(name: &str) -> PathBuf {
    let folder = root().parent().unwrap().join("shared/data").join(name);
    let is_present = folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    assert!(is_present, "the data of {name} are absent: expected in {}", folder.display());
    folder
}

/// The command in a folder that is no project, gone when dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let command = env!("CARGO_BIN_EXE_mainstay-under-test");
        Command::new(command).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["-o", "json"]].concat());
        assert!(output.status.success(), "{arguments:?} failed:\n{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs the command, which must fail as handled, and gives its message.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}:\n{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
        text(&output.stderr)
    }
}

/// A project with a target of its own, gone when dropped.
pub(crate) struct Project {
    folder: PathBuf,
    vars: String,
    scratch: TempDir,
}

impl Project {
    /// The reference project over the shared generated data.
    pub(crate) fn reference() -> Self {
        let scratch = TempDir::new().unwrap();
        let vars = vars(&generated_data().join("data"), &scratch.path().join("lake"));
        Self { folder: root(), vars, scratch }
    }

    /// A copy of the reference project that a test may spoil, over data of its own.
    pub(crate) fn copy() -> Self {
        let scratch = TempDir::new().unwrap();
        let folder = scratch.path().join("project");
        copy_reference(&folder);
        copy_folder(&generated_data().join("data"), &scratch.path().join("data"));
        let vars = vars(&scratch.path().join("data"), &scratch.path().join("lake"));
        Self { folder, vars, scratch }
    }

    /// A project in a folder of the repository, with more variables.
    pub(crate) fn at(folder: &Path, more_vars: &str) -> Self {
        let scratch = TempDir::new().unwrap();
        let lake = scratch.path().join("lake");
        Self { folder: folder.to_owned(), vars: format!("lake: {}, {more_vars}", lake.display()), scratch }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data that all tests share, which the reference project reads.
    pub(crate) fn shared_data() -> PathBuf {
        generated_data().join("data")
    }

    /// The data of a copy.
    pub(crate) fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.scratch.path().join("lake")
    }

    /// Replaces `from` by `to` in a file of the project; `from` must be there.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Takes out of a model version how its features were defined, as if an earlier release had trained it.
    pub(crate) fn forget_definitions(&self, version: u32) {
        let file = self.lake().join(format!("registry/models/churn/versions/{version}.json"));
        let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(record.as_object_mut().unwrap().remove("definitions").unwrap().is_object());
        std::fs::write(file, serde_json::to_vec(&record).unwrap()).unwrap();
    }

    /// The command, ready to run in this project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay-under-test"));
        command.args(arguments).arg("--project-dir").arg(&self.folder).args(["--vars", &self.vars]);
        for variable in ["FAILPOINTS", "MAINSTAY_BY", "USER"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the command to its end.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the command, which must end well, and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["-o", "json"]].concat());
        assert!(output.status.success(), "{arguments:?} failed:\n{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
    }

    /// Runs the command, which must fail as handled, and gives its message.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}:\n{}", text(&output.stderr));
        text(&output.stderr)
    }

    /// Whether any day of the job was published.
    pub(crate) fn has_published(&self) -> bool {
        self.output(&["show", "run", "-o", "json"]).status.success()
    }
}

/// The canonical digests of the tables in a run's JSON, by table.
pub(crate) fn digests(run: &Value) -> Vec<(String, String)> {
    let tables = run["record"]["tables"].as_array().unwrap();
    tables
        .iter()
        .map(|table| (table["table"].as_str().unwrap().to_owned(), table["digest"].as_str().unwrap().to_owned()))
        .collect()
}

/// Asserts that nothing speaks for a leak in a training, and that its figures have their intervals; `training` as in a run's JSON.
pub(crate) fn assert_honest(training: &Value) {
    assert_eq!(training["leakage"]["findings"], Value::Array(Vec::new()));
    let judged = &training["evaluation"];
    let of = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number in {judged}"));
    let (low, high) = (of(&judged["auc_interval"]["low"]), of(&judged["auc_interval"]["high"]));
    assert!(low < of(&judged["auc"]) && of(&judged["auc"]) < high && high - low < 0.15, "{low} to {high}");
    let alone = &judged["others"][0];
    assert_eq!(alone["auc"], training["baseline"]["evaluation"]["auc"]);
    assert!((of(&judged["auc"]) - of(&alone["auc"]) - of(&alone["auc_difference"])).abs() < 1e-12, "{alone}");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn vars(data: &Path, lake: &Path) -> String {
    format!("data: {}, lake: {}", data.display(), lake.display())
}

/// Copies the reference project, without data, into a folder.
pub(crate) fn copy_reference(folder: &Path) {
    for part in ["jobs", "sql"] {
        copy_folder(&root().join(part), &folder.join(part));
    }
    std::fs::copy(root().join("mainstay.yml"), folder.join("mainstay.yml")).unwrap();
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

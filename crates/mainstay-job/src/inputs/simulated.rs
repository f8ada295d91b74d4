//! Simulated data: made where a newcomer has none, known again wherever they are read, and kept apart from real ones.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mainstay_config::Source;
use mainstay_config::source::Simulator;
use mainstay_run::OpenProject;
use mainstay_schema::simulated::{FINISHED, PARTIAL, UNFINISHED};

/// Whether this build can make data.
const HAS_SIMULATOR: bool = cfg!(feature = "simulator");

/// Generates the data of every source that has a simulator and no folder yet, or one that a killed run left unfinished.
///
/// Only for a project that begins: where the target holds anything, or the folder is there and empty, real data are missing, and
/// invented ones in their place would be paid for.
pub(crate) async fn fill_absent_sources(open: &OpenProject) -> Result<()> {
    for source in &open.project.config().sources {
        let Some(simulator) = &source.simulator else { continue };
        let found = folder_state(Path::new(&source.path)).with_context(|| format!("cannot read {}", source.path))?;
        if found == FolderState::Filled {
            continue;
        }
        check_may_fill(source, found, open).await?;
        fill(source, simulator, open)?;
    }
    Ok(())
}

async fn check_may_fill(source: &Source, found: FolderState, open: &OpenProject) -> Result<()> {
    let Source { name, path, .. } = source;
    let is_new = open.lake.is_empty().await?;
    if found == FolderState::Empty {
        let may_be_made = HAS_SIMULATOR && is_new;
        let otherwise = if may_be_made { ", or remove the folder to have simulated data made there" } else { "" };
        bail!(
            "source {name}: the folder {path} is there and empty, as where a mount has failed: bring the data back{otherwise}"
        );
    }
    if HAS_SIMULATOR && !is_new {
        bail!(
            "source {name}: there are no data at {path}, while the target {} is not empty: bring the data back; simulated data are made for \
             an empty target only (`mainstay generate` makes them at any time)",
            open.lake.location()
        );
    }
    Ok(())
}

#[cfg(feature = "simulator")]
fn fill(source: &Source, simulator: &Simulator, open: &OpenProject) -> Result<()> {
    crate::inputs::simulator::fill(source, simulator, &open.progress)
}

#[cfg(not(feature = "simulator"))]
fn fill(source: &Source, _: &Simulator, _: &OpenProject) -> Result<()> {
    bail!(
        "source {}: there are no data at {}, and this build of mainstay has no simulator that could make some: bring the data",
        source.name,
        source.path
    )
}

/// What stands at the path of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FolderState {
    /// Nothing.
    Absent,
    /// A folder without anything in it.
    Empty,
    /// What a killed simulator left.
    Unfinished,
    /// Data, simulated or not.
    Filled,
}

fn folder_state(folder: &Path) -> io::Result<FolderState> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FolderState::Absent),
        // Somebody's file, or a URL: to read it is the business of the sources.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(FolderState::Filled),
        Err(error) => return Err(error),
    };
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<BTreeSet<_>>>()?;
    let has = |name: &str| names.contains(std::ffi::OsStr::new(name));
    Ok(match names.len() {
        0 => FolderState::Empty,
        _ if has(FINISHED) => FolderState::Filled,
        // A run killed before its first marker leaves nothing but the folder of partial files.
        1 if has(PARTIAL) => FolderState::Unfinished,
        _ if has(UNFINISHED) => FolderState::Unfinished,
        _ => FolderState::Filled,
    })
}

/// Whether the sources hold simulated data, by what the simulator left beside them. Some simulated and some real ones are refused.
pub(crate) fn are_simulated(sources: &[Source]) -> Result<bool> {
    let (simulated, real): (Vec<&Source>, Vec<&Source>) = sources.iter().partition(|source| is_simulated(source));
    if let (Some(simulated), Some(real)) = (simulated.first(), real.first()) {
        bail!(
            "source {} holds simulated data ({}) and source {} does not ({}): nobody real is judged by invented data; bring the real data of \
             the first, or simulate both",
            simulated.name,
            simulated.path,
            real.name,
            real.path
        );
    }
    Ok(!simulated.is_empty())
}

/// Whether the simulator left its mark beside any table of a source, or above it.
fn is_simulated(source: &Source) -> bool {
    let paths = source.tables.iter().map(|table| Path::new(&table.path)).chain([Path::new(&source.path)]);
    let folders: BTreeSet<&Path> = paths.flat_map(Path::ancestors).collect();
    folders.into_iter().any(|folder| is_marker(&folder.join(FINISHED)) || is_marker(&folder.join(UNFINISHED)))
}

/// Whether a file says how data were generated; others may have one of that name.
fn is_marker(file: &Path) -> bool {
    let content = fs::read(file).ok().and_then(|content| serde_json::from_slice::<serde_json::Value>(&content).ok());
    content.is_some_and(|content| content.get("generator").is_some() && content.get("settings").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MARKER: &str = r#"{"generator": 3, "settings": {"seed": 1}}"#;

    fn source(name: &str, folder: &Path) -> Source {
        let table = json!({"name": "orders", "path": folder.join("raw/orders"), "key": [], "columns": []});
        serde_json::from_value(json!({"name": name, "path": folder, "tables": [table]})).unwrap()
    }

    #[test]
    fn a_folder_is_absent_empty_unfinished_or_filled() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("data");
        let state = || folder_state(&folder).unwrap();
        assert_eq!(state(), FolderState::Absent);
        fs::create_dir(&folder).unwrap();
        assert_eq!(state(), FolderState::Empty);
        fs::create_dir(folder.join(PARTIAL)).unwrap();
        assert_eq!(state(), FolderState::Unfinished);
        fs::write(folder.join(UNFINISHED), MARKER).unwrap();
        fs::create_dir(folder.join("orders")).unwrap();
        assert_eq!(state(), FolderState::Unfinished);
        fs::write(folder.join(FINISHED), MARKER).unwrap();
        assert_eq!(state(), FolderState::Filled);
        assert_eq!(folder_state(&folder.join("orders")).unwrap(), FolderState::Empty);
        assert_eq!(folder_state(scratch.path()).unwrap(), FolderState::Filled, "somebody else's");
    }

    #[test]
    fn simulated_data_are_known_by_what_lies_beside_or_above_a_table() {
        let scratch = tempfile::tempdir().unwrap();
        let shop = source("shop", &scratch.path().join("shop"));
        fs::create_dir_all(scratch.path().join("shop/raw/orders")).unwrap();
        assert!(!is_simulated(&shop));
        for folder in ["shop/raw/orders", "shop/raw", "shop", ""] {
            let marker = scratch.path().join(folder).join(FINISHED);
            fs::write(&marker, "{}").unwrap();
            assert!(!is_simulated(&shop), "a file of that name by somebody else");
            fs::write(&marker, MARKER).unwrap();
            assert!(is_simulated(&shop), "{folder}");
            fs::remove_file(&marker).unwrap();
        }
    }

    #[test]
    fn simulated_and_real_sources_do_not_mix() {
        let scratch = tempfile::tempdir().unwrap();
        let (shop, crm) = (source("shop", &scratch.path().join("shop")), source("crm", &scratch.path().join("crm")));
        assert!(!are_simulated(&[shop.clone(), crm.clone()]).unwrap());
        fs::create_dir_all(scratch.path().join("crm")).unwrap();
        fs::write(scratch.path().join("crm").join(FINISHED), MARKER).unwrap();
        let message = are_simulated(&[shop, crm.clone()]).unwrap_err().to_string();
        assert!(message.starts_with("source crm holds simulated data ("), "{message}");
        assert!(message.contains("and source shop does not (") && message.contains("simulate both"), "{message}");
        assert!(are_simulated(&[crm]).unwrap());
    }
}

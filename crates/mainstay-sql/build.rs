//! Asks whether the data of the real retailers are at hand, so that their tests are reported as ignored where they are not.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-env-changed=MAINSTAY_REQUIRE_DATA");
    let are_required = std::env::var("MAINSTAY_REQUIRE_DATA").is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
    for name in ["online_retail_ii", "complete_journey"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
        println!("cargo::rustc-check-cfg=cfg(has_{name})");
        println!("cargo::rerun-if-changed={}", folder.display());
        if are_required || folder.is_dir() {
            println!("cargo::rustc-cfg=has_{name}");
        }
    }
}

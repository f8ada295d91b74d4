//! Whether the data of a target are simulated or real: said once, and never both.

use anyhow::{Result, bail};
use mainstay_table::{Lake, Origin, origin};

use crate::open_project::OpenProject;

/// Says of the target what its data are, if nobody has, and refuses real ones beside simulated ones.
pub(crate) async fn settle(open: &OpenProject, is_simulated: bool) -> Result<()> {
    let (lake, target) = (&open.lake, open.lake.location());
    let ours = if is_simulated { Origin::Simulated } else { Origin::Real };
    let may_be_real = is_simulated && is_unmarked(lake).await?;
    let stands = if may_be_real { Origin::Real } else { origin::settle(lake, ours).await? };
    match (stands, ours) {
        (Origin::Real, Origin::Simulated) => bail!(
            "the sources hold simulated data, and the target {target} is not one of simulated data: nothing is published there; name another \
             one with --target, or bring the real data"
        ),
        (Origin::Simulated, Origin::Real) => bail!(
            "the target {target} was made from simulated data, models and budget included: real data need a target of their own; name another \
             one with --target or in `targets:`, or remove that one"
        ),
        _ => Ok(()),
    }
}

/// Whether an earlier release, which said nothing, has written to a target. The mark is the first that any run writes: where it is absent
/// after something else was seen, it never was there.
async fn is_unmarked(lake: &Lake) -> Result<bool> {
    Ok(!lake.is_empty().await? && origin::read(lake).await?.is_none())
}

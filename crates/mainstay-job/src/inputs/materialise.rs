//! Models that are computed once for all steps of a day that read them.

use anyhow::Result;
use mainstay_run::Run;
use mainstay_sql::Moment;

use crate::inputs::sources::PinnedDay;
use crate::sql_work;

/// Computes models at a moment of the day, each over those before it.
pub(crate) async fn materialise(run: &Run<'_>, day: &mut PinnedDay, names: &[&str], moment: &Moment) -> Result<()> {
    for name in names {
        let session = &run.open.session;
        let computed = async { Ok(day.sql.materialise(session, day.model_inputs(), &[name], moment).await?) };
        day.materialised = sql_work::compute(run, day, (&[name], std::slice::from_ref(moment)), computed).await?;
    }
    Ok(())
}

//! What the policy needs consent for, against the consents on record.
//!
//! A purpose or channel that no record names is a slip of the pen far more often than a choice of all customers, and where
//! consent is given by default it would open every channel to everybody.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::AsArray;
use datafusion::prelude::SessionContext;
use mainstay_config::{DailyJob, Policy};
use mainstay_run::Run;

use crate::daily::score::register;
use crate::inputs::sources::PinnedDay;
use crate::sql_work;

/// Refuses a policy whose purpose, or one of whose channels, stands in no record of consent, where there are any.
pub(crate) async fn check(run: &Run<'_>, day: &PinnedDay, job: &DailyJob, policy: &Policy) -> Result<()> {
    let session = mainstay_session::private(&run.open.session);
    let consents = day.model(&session, &job.consents, &run.suppression_moment()).await?;
    register(&session, "customer_consents", consents)?;
    let records = async {
        records(&session).await.with_context(|| format!("cannot read the consents of model {}", job.consents))
    };
    let over = (&[job.consents.as_str()][..], &[run.suppression_moment()][..]);
    let records = sql_work::compute(run, day, over, records).await?;
    check_against(&records, policy).with_context(|| {
        format!("the policy {} does not fit the consents of {} as of {}", job.policy, job.consents, run.ds)
    })
}

/// The records of a channel and purpose.
#[derive(Debug, Clone)]
struct Records {
    channel: String,
    purpose: String,
    /// Whether consent was ever granted or withdrawn there, not only closed by an unsubscribe.
    are_of_consent: bool,
}

/// Reads `customer_consents` of the session.
async fn records(session: &SessionContext) -> Result<Vec<Records>> {
    let sql = "select channel, purpose, bool_or(granted_at is not null or withdrawn_at is not null)
               from customer_consents group by channel, purpose order by channel, purpose";
    let mut records = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let [channels, purposes, are_of_consent] = batch.columns() else {
            bail!("three columns were asked for, {} came", batch.num_columns());
        };
        let texts = channels.as_string::<i32>().iter().zip(purposes.as_string::<i32>());
        for ((channel, purpose), are_of_consent) in texts.zip(are_of_consent.as_boolean()) {
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            let are_of_consent = are_of_consent.unwrap_or_default();
            records.push(Records { channel: text(channel), purpose: text(purpose), are_of_consent });
        }
    }
    Ok(records)
}

fn check_against(records: &[Records], policy: &Policy) -> Result<()> {
    let purposes: BTreeSet<&str> = records.iter().map(|record| record.purpose.as_str()).collect();
    let purpose = policy.consent.purpose.as_str();
    ensure!(
        purposes.is_empty() || purposes.contains(purpose),
        "consent.purpose is `{purpose}`, for which there is no record; there are records for {}: correct the purpose, or let the \
         staging of consents call it so",
        listed(&purposes)
    );
    let of_purpose = records.iter().filter(|record| record.purpose == purpose && record.are_of_consent);
    let channels: BTreeSet<&str> = of_purpose.map(|record| record.channel.as_str()).collect();
    let unknown = policy.interventions.iter().find(|intervention| !channels.contains(intervention.channel.as_str()));
    match unknown {
        Some(intervention) if !channels.is_empty() => bail!(
            "intervention {} goes through channel `{}`, for which there is no record of `{purpose}`; there are records for {}: \
             correct the channel, or let the staging of consents call it so",
            intervention.name,
            intervention.channel,
            listed(&channels)
        ),
        _ => Ok(()),
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
        Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// What is found wrong with the reference policy; rows are (channel, purpose, granted_at, withdrawn_at).
    async fn fault(rows: &str) -> Option<String> {
        let session = SessionContext::new();
        let columns = "channel, purpose, granted_at, withdrawn_at";
        let text =
            "arrow_cast(channel, 'Utf8') as channel, arrow_cast(purpose, 'Utf8') as purpose, granted_at, withdrawn_at";
        let view = format!("create view customer_consents as select {text} from (values {rows}) as rows({columns})");
        session.sql(&view).await.unwrap();
        check_against(&records(&session).await.unwrap(), &policy()).err().map(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_policy_whose_purpose_and_channels_are_on_record_passes() {
        let rows = "('email', 'marketing', 1, null), ('call', 'marketing', null, 2), ('sms', 'service', 1, 1)";
        assert_eq!(fault(rows).await, None);
    }

    #[tokio::test]
    async fn a_purpose_without_a_record_is_refused() {
        let rows = "('email', 'advertising', 1, null), ('call', 'service', null, 2)";
        assert_eq!(
            fault(rows).await.unwrap(),
            "consent.purpose is `marketing`, for which there is no record; there are records for `advertising`, `service`: correct \
             the purpose, or let the staging of consents call it so"
        );
    }

    #[tokio::test]
    async fn a_channel_without_a_record_of_the_purpose_is_refused() {
        let rows = "('email', 'marketing', 1, null), ('phone', 'marketing', null, 2), ('call', 'service', 1, null)";
        assert_eq!(
            fault(rows).await.unwrap(),
            "intervention personal_call goes through channel `call`, for which there is no record of `marketing`; there are records \
             for `email`, `phone`: correct the channel, or let the staging of consents call it so"
        );
    }

    #[tokio::test]
    async fn unsubscribes_alone_ask_for_no_record_of_every_channel() {
        assert_eq!(fault("('email', 'marketing', cast(null as int), cast(null as int))").await, None);
    }

    #[test]
    fn without_any_record_nothing_is_held_against_the_policy() {
        assert!(check_against(&[], &policy()).is_ok());
    }
}

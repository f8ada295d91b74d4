//! What forbids contact, worked out anew from the source files: consent by channel, open cases, and the last contact.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use mainstay_config::settings::ConsentDefault;

use super::day::Day;
use super::finding::Finding;
use super::policy_at_hand::PolicyAtHand;
use crate::daily::score::register;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let policy = match day.policy().await? {
        PolicyAtHand::Known(policy) => policy,
        PolicyAtHand::Unknown(why) => return Finding::not_checked(why),
    };
    let sources = match day.sources().await? {
        Ok(sources) => sources,
        Err(why) => return Finding::not_checked(why),
    };
    let job = match day.daily_job() {
        Ok(job) => job,
        Err(error) => return Finding::not_checked(format!("{error:#}")),
    };
    let session = &day.session;
    register(session, "source_consents", sources.suppression_model(session, &job.consents).await?)?;
    register(session, "source_contact_rules", sources.suppression_model(session, &job.contact_rules).await?)?;
    let consent = Consent {
        channels: policy.channels(),
        purpose: &day.details.inputs.consent_purpose,
        default: day.details.inputs.consent_default,
    };
    hold(session, &consent).await
}

/// What decides whether a channel may be used.
struct Consent<'a> {
    /// Those of the catalogue.
    channels: BTreeSet<&'a str>,
    purpose: &'a str,
    default: ConsentDefault,
}

/// Reads `source_consents`, `source_contact_rules` and `customer_risk`.
async fn hold(session: &SessionContext, consent: &Consent<'_>) -> Result<Finding> {
    let expected = [
        ("open_cases", "risk.open_cases is distinct from cast(rules.open_cases as bigint)".to_owned()),
        (
            "days_since_last_contact",
            "risk.days_since_last_contact is distinct from cast(rules.days_since_last_contact as bigint)".to_owned(),
        ),
    ];
    for (column, differs) in expected {
        let sql = format!(
            "select risk.customer_id from customer_risk risk
             left join source_contact_rules rules on risk.customer_id = rules.customer_id
             where {differs} order by 1"
        );
        refuse(session, column, &sql).await?;
    }
    for channel in &consent.channels {
        refuse(session, "allowed_channels", &consent.contradicted(channel)).await?;
    }
    refuse(session, "allowed_channels", &consent.of_no_channel()).await?;
    let scored = session.sql("select count(*) from customer_risk where status = 'scored'").await?.collect().await?;
    let scored = scored.first().context("a count gave no row")?.column(0).as_primitive::<Int64Type>().value(0);
    Finding::holds(format!("{scored} scored customers, {} channels", consent.channels.len()))
}

impl Consent<'_> {
    /// The scored customers for whom `allowed_channels` and the sources say different things of a channel. The least of all that is
    /// recorded holds: doubt closes.
    fn contradicted(&self, channel: &str) -> String {
        let (channel, purpose) = (channel.replace('\'', "''"), self.purpose.replace('\'', "''"));
        let without_record = self.default == ConsentDefault::Allow;
        format!(
            "with recorded as (
                 select customer_id, min(case when is_granted then 1 else 0 end) = 1 as is_granted
                 from source_consents where channel = '{channel}' and purpose = '{purpose}' group by customer_id
             )
             select risk.customer_id from customer_risk risk
             left join recorded on risk.customer_id = recorded.customer_id
             where risk.status = 'scored'
               and coalesce(recorded.is_granted, {without_record})
                   <> (strpos(',' || coalesce(risk.allowed_channels, '') || ',', ',{channel},') > 0)
             order by 1"
        )
    }

    /// Whoever is said to be reached by a channel that the catalogue does not have.
    fn of_no_channel(&self) -> String {
        let quoted = |channel: &&str| format!("'{}'", channel.replace('\'', "''"));
        let known: Vec<String> = self.channels.iter().map(quoted).collect();
        format!(
            "select customer_id from (
                 select customer_id, unnest(string_to_array(allowed_channels, ',')) as channel
                 from customer_risk where allowed_channels is not null
             ) where channel not in ({}) order by 1",
            known.join(", ")
        )
    }
}

/// Fails where a query names a customer whose column does not follow from the sources.
async fn refuse(session: &SessionContext, column: &str, sql: &str) -> Result<()> {
    let batches = session.sql(sql).await?.collect().await?;
    let customers: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    let first = first.map_or("", |batch| batch.column(0).as_string::<i32>().value(0));
    ensure!(customers == 0, "{column} does not follow from the sources for {customers} customers, {first} among them");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSENTS: &str = "('ada', 'email', 'marketing', true), ('ada', 'call', 'marketing', false),
        ('ada', 'email', 'service', false), ('bob', 'email', 'marketing', true), ('bob', 'email', 'marketing', null),
        ('cleo', 'push', 'marketing', true)";
    const RULES: &str = "('ada', 0, 12), ('bob', 2, null), ('cleo', 0, null), ('dan', 1, 3)";

    async fn found(risk: &str, default: ConsentDefault) -> Result<Finding> {
        let session = SessionContext::new();
        for (table, rows) in [
            ("source_consents(customer_id, channel, purpose, is_granted)", CONSENTS),
            ("source_contact_rules(customer_id, open_cases, days_since_last_contact)", RULES),
            ("customer_risk(customer_id, status, allowed_channels, open_cases, days_since_last_contact)", risk),
        ] {
            session.sql(&format!("create view {table} as values {rows}")).await.unwrap();
        }
        hold(&session, &Consent { channels: BTreeSet::from(["call", "email"]), purpose: "marketing", default }).await
    }

    #[tokio::test]
    async fn what_the_sources_say_is_what_stands_in_the_risk_table() {
        let denied =
            "('ada', 'scored', 'email', 0, 12), ('bob', 'scored', null, 2, null), ('cleo', 'scored', null, 0, null),
                      ('dan', 'refused', null, 1, 3)";
        let holds = Finding::Holds("3 scored customers, 2 channels".into());
        assert_eq!(found(denied, ConsentDefault::Deny).await.unwrap(), holds);
        let allowed = denied.replace("'bob', 'scored', null", "'bob', 'scored', 'call'");
        let allowed = allowed.replace("'cleo', 'scored', null", "'cleo', 'scored', 'call,email'");
        assert_eq!(found(&allowed, ConsentDefault::Allow).await.unwrap(), holds);
    }

    #[tokio::test]
    async fn what_does_not_follow_is_named_with_its_column() {
        for (row, column, customer) in [
            ("('ada', 'scored', 'email', 1, 12)", "open_cases", "ada"),
            ("('ada', 'scored', 'email', 0, null)", "days_since_last_contact", "ada"),
            ("('bob', 'scored', null, null, null)", "open_cases", "bob"),
            // A withdrawal that the table does not show, and a grant that it leaves out.
            ("('ada', 'scored', 'call,email', 0, 12)", "allowed_channels", "ada"),
            ("('ada', 'scored', null, 0, 12)", "allowed_channels", "ada"),
            ("('bob', 'scored', 'email', 2, null)", "allowed_channels", "bob"),
            ("('ada', 'scored', 'email,push', 0, 12)", "allowed_channels", "ada"),
            ("('nobody', 'scored', null, 0, null)", "open_cases", "nobody"),
        ] {
            let error = found(row, ConsentDefault::Deny).await.unwrap_err().to_string();
            let expected = format!("{column} does not follow from the sources for 1 customers, {customer} among them");
            assert_eq!(error, expected, "{row}");
        }
    }
}

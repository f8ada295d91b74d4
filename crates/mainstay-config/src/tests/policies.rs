//! Slips in policies, and what policies say of probabilities and values.

use mainstay_schema::Cents;

use super::{assert_refused, fixture_text, slip};
use crate::policy::Policy;

#[test]
fn slips_are_refused() {
    assert_refused("jobs/policies/retention.yml", Policy::parse, &[
slip("amount: 50000.00", "amount: -50000.00", "
jobs/policies/retention.yml:3:11: expected an amount of at least 0, found -50,000.00
  |
3 |   amount: -50000.00
  |           ^^^^^^^^^"),
slip("amount: 50000.00", "amount: 50000.001", "
jobs/policies/retention.yml:3:11: `50000.001` is not an amount of money: write it like 50000, 12.50 or -3.05, with at most two decimals
  |
3 |   amount: 50000.001
  |           ^^^^^^^^^"),
slip("amount: 50000.00", "amount: 50,000", "
jobs/policies/retention.yml:3:11: `50,000` is not an amount of money: write it like 50000, 12.50 or -3.05, with at most two decimals
  |
3 |   amount: 50,000
  |           ^^^^^^"),
slip("amount: 50000.00", "amount:", "
jobs/policies/retention.yml:3:9: expected a value, found nothing
  |
3 |   amount:
  |         ^"),
slip("amount: 50000.00", "amount: {usd: 50000}", "
jobs/policies/retention.yml:3:11: expected a single value here
  |
3 |   amount: {usd: 50000}
  |           ^"),
slip("pacing: price", "pacing: prices", "
jobs/policies/retention.yml:4:11: unknown value `prices`, did you mean `price`?
  |
4 |   pacing: prices
  |           ^^^^^^
  = known values: price, none"),
slip("largest_daily_multiple: 2.0", "largest_daily_multiple: 0.5", "
jobs/policies/retention.yml:5:27: expected a number of at least 1, found 0.5
  |
5 |   largest_daily_multiple: 0.5
  |                           ^^^"),
slip("cooldown_days: 30", "cooldown_days: -30", "
jobs/policies/retention.yml:6:16: expected a whole number from 0 to 4294967295, found `-30`
  |
6 | cooldown_days: -30
  |                ^^^"),
slip("cooldown_days: 30", "cooldown: 30", "
jobs/policies/retention.yml:6:1: unknown key `cooldown`
  |
6 | cooldown: 30
  | ^^^^^^^^
  = known keys: name, budget, cooldown_days, consent, suppress_open_cases, unmatched_suppression_share_at_most, holdout, rules, interventions, risk_bands, value_tiers"),
slip("cooldown_days: 30", "cooldown_days: 30\nconsent: {purpose: 'direct mail'}", "
jobs/policies/retention.yml:7:20: `direct mail` is no name: use letters, digits and underscores, and begin with a letter
  |
7 | consent: {purpose: 'direct mail'}
  |                    ^^^^^^^^^^^^^"),
slip("cooldown_days: 30", "cooldown_days: 30\nconsent: {purpose: Marketing}", "
jobs/policies/retention.yml:7:20: `Marketing` has capital letters: staged channels and purposes have none, write `marketing`
  |
7 | consent: {purpose: Marketing}
  |                    ^^^^^^^^^"),
slip("channel: call", "channel: Call", "
jobs/policies/retention.yml:12:14: `Call` has capital letters: staged channels and purposes have none, write `call`
   |
12 |     channel: Call
   |              ^^^^"),
slip("cooldown_days: 30", "cooldown_days: 30\nconsent: {porpose: marketing}", "
jobs/policies/retention.yml:7:11: unknown key `porpose`, did you mean `purpose`?
  |
7 | consent: {porpose: marketing}
  |           ^^^^^^^
  = known keys: purpose"),
slip("cooldown_days: 30", "cooldown_days: 30\nconsent: marketing", "
jobs/policies/retention.yml:7:10: expected keys and values here
  |
7 | consent: marketing
  |          ^^^^^^^^^"),
slip("cooldown_days: 30", "cooldown_days: 30\nsuppress_open_cases: severe", "
jobs/policies/retention.yml:7:22: expected true or false, found `severe`
  |
7 | suppress_open_cases: severe
  |                      ^^^^^^"),
slip("cooldown_days: 30", "cooldown_days: 30\nunmatched_suppression_share_at_most: 2", "
jobs/policies/retention.yml:7:38: expected a number from 0 to 1, found 2
  |
7 | unmatched_suppression_share_at_most: 2
  |                                      ^"),
slip("share: 0.05", "share: 0.6", "
jobs/policies/retention.yml:9:10: expected a number from 0 to 0.5, found 0.6
  |
9 |   share: 0.6
  |          ^^^"),
slip("experiment: retention", "experiment: ''", "
jobs/policies/retention.yml:8:15: `` is no name: use letters, digits and underscores, and begin with a letter
  |
8 |   experiment: ''
  |               ^^"),
slip("name: discount_email", "name: personal_call", "
jobs/policies/retention.yml:16:11: intervention `personal_call` is given twice
   |
16 |   - name: personal_call
   |           ^^^^^^^^^^^^^"),
slip("name: discount_email", "name: holdout", "
jobs/policies/retention.yml:16:11: `holdout` is what the table of decisions says of customers without an intervention: use another name
   |
16 |   - name: holdout
   |           ^^^^^^^"),
slip("cost: 10.00", "cost: -10.00", "
jobs/policies/retention.yml:18:11: expected an amount of at least 0, found -10.00
   |
18 |     cost: -10.00
   |           ^^^^^^"),
slip("effect: 0.20", "effect: 0", "
jobs/policies/retention.yml:19:13: expected a share above 0 and at most 1, found 0
   |
19 |     effect: 0
   |             ^"),
slip("effect: 0.20", "effect: 20", "
jobs/policies/retention.yml:19:13: expected a share above 0 and at most 1, found 20
   |
19 |     effect: 20
   |             ^^"),
slip("tier: high", "tier: hihg", "
jobs/policies/retention.yml:15:11: unknown risk band `hihg`, did you mean `high`?
   |
15 |     tier: hihg
   |           ^^^^
   = known risk bands: high, medium, low"),
slip("churn_probability_at_least: 0.8", "churn_probability_at_least: 1.8", "
jobs/policies/retention.yml:27:46: expected a number from 0 to 1, found 1.8
   |
27 |   - {name: high, churn_probability_at_least: 1.8}
   |                                              ^^^"),
slip("churn_probability_at_least: 0.8", "churn_probability_at_least: 0.5", "
jobs/policies/retention.yml:28:48: another risk band begins at 0.5 as well
   |
28 |   - {name: medium, churn_probability_at_least: 0.5}
   |                                                ^^^"),
slip("churn_probability_at_least: 0.0", "churn_probability_at_least: 0.1", "
jobs/policies/retention.yml:27:3: no risk band begins at 0: the lowest must, so that every customer has one
   |
27 |   - {name: high, churn_probability_at_least: 0.8}
   |   ^"),
slip("{name: medium, churn", "{name: high, churn", "
jobs/policies/retention.yml:28:12: risk band `high` is given twice
   |
28 |   - {name: high, churn_probability_at_least: 0.5}
   |            ^^^^"),
slip("clv_at_least: 250.00", "clv_at_least: 1000", "
jobs/policies/retention.yml:32:34: another value tier begins at 1,000.00 as well
   |
32 |   - {name: silver, clv_at_least: 1000}
   |                                  ^^^^"),
slip("clv_at_least: 0.00", "clv_at_least: 1", "
jobs/policies/retention.yml:31:3: no value tier begins at 0: the lowest must, so that every customer has one
   |
31 |   - {name: gold, clv_at_least: 1000.00}
   |   ^"),
slip("clv_at_least: 0.00", "clv_at_least: -1", "
jobs/policies/retention.yml:33:34: expected an amount of at least 0, found -1.00
   |
33 |   - {name: bronze, clv_at_least: -1}
   |                                  ^^"),
slip("name: bronze", "name: gold", "
jobs/policies/retention.yml:33:12: value tier `gold` is given twice
   |
33 |   - {name: gold, clv_at_least: 0.00}
   |            ^^^^"),
slip("largest_daily_multiple: 2.0", "largest_daily_multiple: .inf", "
jobs/policies/retention.yml:5:27: value `.inf` is not a finite number
  |
5 |   largest_daily_multiple: .inf
  |                           ^^^^"),
slip("amount: 50000.00", "amount: 99999999999999999999", "
jobs/policies/retention.yml:3:11: `99999999999999999999` is not an amount of money: write it like 50000, 12.50 or -3.05, with at most two decimals
  |
3 |   amount: 99999999999999999999
  |           ^^^^^^^^^^^^^^^^^^^^"),
slip("interventions:\n", "interventions: []\nx:\n", "
jobs/policies/retention.yml:11:1: unknown key `x`
   |
11 | x:
   | ^
   = known keys: name, budget, cooldown_days, consent, suppress_open_cases, unmatched_suppression_share_at_most, holdout, rules, interventions, risk_bands, value_tiers"),
]);
}

fn read(text: &str) -> Policy {
    Policy::parse("retention.yml", text).unwrap()
}

#[test]
fn money_is_read_to_the_cent() {
    let policy =
        read(&fixture_text("jobs/policies/retention.yml").replace("amount: 50000.00", "amount: 90071992547409.93"));
    assert_eq!(policy.budget.amount, Cents(9_007_199_254_740_993));
    assert_eq!(
        policy.interventions.iter().map(|each| each.cost).collect::<Vec<_>>(),
        [Cents(5000), Cents(1000), Cents(50)]
    );
}

#[test]
fn bands_and_tiers_begin_at_their_lowest_value() {
    let policy = read(&fixture_text("jobs/policies/retention.yml"));
    let bands = [1.0, 0.8, 0.799, 0.5, 0.499, 0.0].map(|probability| policy.risk_band(probability));
    assert_eq!(bands, ["high", "high", "medium", "medium", "low", "low"]);
    let tiers = [100_000, 99_999, 25_000, 24_999, 0, -1].map(|cents| policy.value_tier(Cents(cents)));
    assert_eq!(tiers, ["gold", "silver", "silver", "bronze", "bronze", "bronze"]);
}

#[test]
fn the_rules_of_contact_are_strict_unless_stated() {
    let text = fixture_text("jobs/policies/retention.yml");
    let policy = read(&text);
    assert_eq!((policy.consent.purpose.as_str(), policy.suppress_open_cases), ("marketing", true));
    assert_eq!(policy.unmatched_suppression_share_at_most, 0.02);
    let stated = format!("{text}consent: {{purpose: profiling}}\nsuppress_open_cases: false\n");
    let policy = read(&stated);
    assert_eq!((policy.consent.purpose.as_str(), policy.suppress_open_cases), ("profiling", false));
    let share = |share: &str| read(&format!("{text}unmatched_suppression_share_at_most: {share}\n"));
    assert_eq!(share("0.02").digest(), read(&text).digest(), "the default has the digest of what says nothing");
    assert_ne!(share("0.5").digest(), read(&text).digest());
}

#[test]
fn a_channel_of_several_interventions_stands_once() {
    let policy = read(&fixture_text("jobs/policies/retention.yml"));
    assert_eq!(policy.channels().into_iter().collect::<Vec<_>>(), ["call", "email"]);
}

#[test]
fn the_digest_is_of_what_the_policy_says() {
    let text = fixture_text("jobs/policies/retention.yml");
    let high = "  - {name: high, churn_probability_at_least: 0.8}\n";
    let same =
        format!("# comment\n{}", text.replace(high, "").replace("value_tiers:\n", &format!("{high}value_tiers:\n")));
    let same = same.replace("amount: 50000.00", "amount: 50000").replace("effect: 0.20", "effect: '0.2'");
    assert_ne!(same, text);
    assert_eq!(read(&same).digest(), read(&text).digest());
    assert_ne!(read(&text.replace("cost: 0.50", "cost: 0.51")).digest(), read(&text).digest());
    let swapped = text
        .replace("reminder_email", "x")
        .replace("discount_email", "reminder_email")
        .replace("name: x", "name: discount_email");
    assert_ne!(read(&swapped).digest(), read(&text).digest());
}

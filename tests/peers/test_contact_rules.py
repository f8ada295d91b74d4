"""Who must be left alone is: plain SQL of another engine over the source files finds them, and none of them has an offer."""

import pytest
from conftest import DAYS

# Rows count that were there when the run pinned its sources (pinned); days are counted from midnight (as_of).
OPEN_CASES = """
    select distinct customer_id from source_support_tickets
    where opened_at < pinned and loaded_at < pinned and (closed_at is null or closed_at >= pinned)"""
# An unsubscribe closes the channel that it came by, as a withdrawal does; neither is undone by a grant of the same instant.
WITHDRAWN = """
    select customer_id, channel from (
        select customer_id, channel, changed_at, is_granted from source_consents
        where purpose = 'marketing' and changed_at < pinned and loaded_at < pinned
        union all
        select customer_id, channel, unsubscribed_at, false from source_contacts
        where unsubscribed_at < pinned and sent_at < pinned and loaded_at < pinned)
    group by customer_id, channel
    having max(changed_at) filter (not is_granted)
        >= coalesce(max(changed_at) filter (is_granted), timestamptz '2000-01-01 00:00:00+00')"""
CONTACTED = """
    select distinct customer_id from source_contacts
    where intervention is not null and sent_at < pinned and loaded_at < pinned and sent_at >= as_of - interval 30 days"""
# The draw itself is held against its definition in the Rust tests; here the table's own word is taken.
HELD_OUT = "select customer_id from risk where ds = as_of::date and blocked_by & 4 <> 0"


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    ("forbidden", "key"),
    [(OPEN_CASES, "customer_id"), (WITHDRAWN, "customer_id, channel"), (CONTACTED, "customer_id"), (HELD_OUT, "customer_id")],
    ids=["open_case", "withdrawn", "contacted", "holdout"],
)
def test_nobody_is_treated_against_a_rule(project, day, forbidden, key):
    (found, scored, treated, chosen), = project.sql(
        f"""with day as (select timestamptz '{day} 00:00:00+00' as as_of, timestamptz '{project.pinned[day]}' as pinned),
            forbidden as (select f.* from day, lateral ({forbidden}) f),
            chosen as (select * from plan where ds = '{day}' and decision_reason = 'chosen')
            select (select count(*) from forbidden),
                   (select count(*) from forbidden join risk using (customer_id) where ds = '{day}' and status = 'scored'),
                   (select count(*) from forbidden join chosen using ({key})),
                   (select count(*) from chosen)""",
        risk="customer_risk",
        plan="campaign_allocations",
    )
    # Somebody would have been there to treat, and others were treated.
    assert found > 0 and scored > 0 and chosen > 0
    assert treated == 0


@pytest.mark.parametrize("day", DAYS)
def test_every_offer_goes_through_an_allowed_channel(project, day):
    offers = project.sql(
        f"""select count(*), count(*) filter (where list_contains(string_split(allowed_channels, ','), channel))
            from plan join risk using (ds, customer_id) where ds = '{day}' and decision_reason = 'chosen'""",
        risk="customer_risk",
        plan="campaign_allocations",
    )
    assert offers[0][0] == offers[0][1] > 0


@pytest.mark.parametrize("day", DAYS)
def test_the_risk_table_says_what_the_sources_say(project, day):
    """Nobody is held back without a rule either. The policy's catalogue calls and writes e-mail; without a record it may."""
    (customers, consents, channels, cases, contacts), = project.sql(
        f"""with day as (select timestamptz '{day} 00:00:00+00' as as_of, timestamptz '{project.pinned[day]}' as pinned),
            withdrawn as (select f.* from day, lateral ({WITHDRAWN}) f),
            open_cases as (select f.* from day, lateral ({OPEN_CASES}) f),
            contacted as (select f.* from day, lateral ({CONTACTED}) f),
            scored as (select * from risk where ds = '{day}' and status = 'scored'),
            expected as (
                select customer_id, string_agg(channel, ',' order by channel) as allowed
                from scored, (values ('call'), ('email')) catalogue(channel)
                where (customer_id, channel) not in (select (customer_id, channel) from withdrawn)
                group by customer_id),
            found as (
                select blocked_by, allowed_channels, allowed,
                       customer_id in (select customer_id from open_cases) as has_open_case,
                       customer_id in (select customer_id from contacted) as was_contacted
                from scored left join expected using (customer_id))
            select count(*),
                   count(*) filter (where (blocked_by & 2 <> 0) = (allowed is null)),
                   count(*) filter (where allowed_channels is not distinct from allowed),
                   count(*) filter (where (blocked_by & 8 <> 0) = has_open_case),
                   -- A plan of ours puts a customer under the cooldown as well.
                   count(*) filter (where blocked_by & 1 <> 0 or not was_contacted)
            from found""",
        risk="customer_risk",
    )
    assert customers > 0
    assert [consents, channels, cases, contacts] == [customers] * 4

"""DuckDB and Python's deltalake read the published tables and count what `mainstay show` counts."""

import pytest
from conftest import DAYS
from deltalake import DeltaTable


@pytest.mark.parametrize("day", DAYS)
def test_population(project, day):
    shown = project.mainstay("show", "risk", "--date", day)["population"]
    rows = project.sql(f"select status, count(*) from risk where ds = '{day}' group by status", risk="customer_risk")
    counted = dict(rows)
    assert sum(counted.values()) == shown["known"]
    for status in ("scored", "ineligible", "refused"):
        assert counted.get(status, 0) == shown[status]
    distinct = project.sql(f"select count(distinct customer_id) from risk where ds = '{day}'", risk="customer_risk")
    assert distinct[0][0] == shown["known"]


@pytest.mark.parametrize("day", DAYS)
def test_segments(project, day):
    shown = project.mainstay("show", "risk", "--date", day)["segments"]
    rows = project.sql(
        f"""select segment, count(*), sum(revenue_at_risk_amount) from risk
            where ds = '{day}' and status = 'scored' group by segment""",
        risk="customer_risk",
    )
    assert {(s["segment"], s["customers"], s["revenue_at_risk_cents"]) for s in shown} == {
        (segment, count, int(amount * 100)) for segment, count, amount in rows
    }


@pytest.mark.parametrize("day", DAYS)
def test_allocation(project, day):
    shown = project.mainstay("show", "allocation", "--date", day)
    rows = project.sql(
        f"""select decision, decision_reason, count(*), sum(cost_cents)::bigint from plan
            where ds = '{day}' group by all""",
        plan="campaign_allocations",
    )
    assert {(d["decision"], d["decision_reason"], d["customers"], d["cost_cents"]) for d in shown["decisions"]} == set(rows)


def test_ledger(project):
    shown = project.mainstay("show", "allocation", "--date", DAYS[1])["month"]
    committed = project.sql(
        """select sum(amount_cents)::bigint from ledger as entry
           where kind = 'committed' and month = '2025-08'
             and not exists (select 1 from ledger as later where later.replaces = entry.entry_id)""",
        ledger="budget_ledger",
    )
    assert committed[0][0] == shown["committed_cents"]


@pytest.mark.parametrize("table", ["customer_features", "customer_risk", "campaign_allocations", "runs", "budget_ledger"])
def test_tables_are_partitioned_and_described(project, table):
    delta = project.table(table)
    assert delta.metadata().partition_columns == ["ds"]
    fields = delta.schema().fields
    assert all(field.metadata.get("comment") for field in fields if field.name != "ds")


def test_an_old_version_can_still_be_read(project):
    record = project.mainstay("show", "run", "--date", DAYS[1])["record"]
    for published in record["tables"]:
        delta = DeltaTable(str(project.lake / published["table"]), version=published["version"])
        table = delta.to_pyarrow_table(partitions=[("ds", "=", DAYS[1])])
        assert table.num_rows == published["rows"]

"""DuckDB and Python's deltalake read the published tables and count what `mainstay show` counts."""

import shutil

import pytest
from conftest import DAYS, Project
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


@pytest.fixture
def maintained(project, tmp_path) -> Project:
    """A copy whose tables deltalake has compacted and vacuumed, after it erased a treated customer of the newest day."""
    copy = Project(tmp_path)
    shutil.copytree(project.lake, copy.lake)
    (copy.folder / "data").symlink_to(project.folder / "data")
    chosen = copy.sql(
        f"select min(customer_id) from plan where ds = '{DAYS[1]}' and decision_reason = 'chosen'", plan="campaign_allocations"
    )
    copy.erased = chosen[0][0]
    copy.table("campaign_allocations").delete(f"ds = '{DAYS[1]}' and customer_id = '{copy.erased}'")
    for table in ("campaign_allocations", "customer_risk", "runs", "budget_ledger"):
        copy.table(table).optimize.compact()
        copy.table(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    return copy


def test_maintenance_by_deltalake_does_not_stop_later_days(project, maintained):
    before = maintained.mainstay("show", "allocation", "--date", DAYS[1], "--top", "100000")
    assert maintained.erased not in {customer["customer_id"] for customer in before["customers"]}
    assert before["month"] == project.mainstay("show", "allocation", "--date", DAYS[1])["month"]
    run = maintained.mainstay("run", "daily_risk", "--date", "2025-08-02")
    inputs = run["record"]["details"]["inputs"]
    found = {plan["ds"]: plan["read_from"] for plan in inputs["plans"]}
    assert found[DAYS[1]]["is"] == "table"
    assert (found[DAYS[1]]["rows_missing"], found[DAYS[1]]["treated_missing"]) == (1, 1)
    after = maintained.mainstay("show", "allocation", "--date", "2025-08-02", "--top", "100000")
    treated = {customer["customer_id"] for customer in after["customers"]}
    assert not treated & {customer["customer_id"] for customer in before["customers"]}


@pytest.mark.parametrize("table", ["runs", "budget_ledger"])
def test_deltalake_refuses_to_remove_rows_of_tables_that_only_grow(maintained, table):
    with pytest.raises(Exception, match="(?i)append"):
        maintained.table(table).delete()

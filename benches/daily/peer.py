"""The day of Mainstay's reference project on other people's software: DuckDB, XGBoost or woodelf, and numpy.

It runs the project's own SQL, or where another form suits DuckDB the models of `duckdb/`, so that both compute the same features. It
leaves out what only Mainstay does: contracts and quarantine, reconciliation, digests, certificate, ledger, Delta tables.
"""

import argparse
import json
import re
import time
from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost
import yaml

# Functions that DuckDB has not. What `gap_stats` says comes from windows, in a model of `duckdb/`.
GAP_STATS = ["days", "gaps", "recent_gaps", "gap_days", "squared_gap_days", "longest_gap_days", "last_gap_days", "recent_gap_days", "longer_gaps"]
MACROS = f"""
create macro to_unixtime(t) as epoch_us(t) // 1000000;
create macro gap_stats(days_ago) as {{{", ".join(f"'{field}': null::bigint" for field in GAP_STATS)}}};
"""
OWN_MODELS = Path(__file__).parent / "duckdb"


class Features:
    """The SQL models of the project as views and tables of DuckDB."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.project = yaml.safe_load((arguments.project / "mainstay.yml").read_text())
        self.as_of = f"timestamptz '{arguments.date} 00:00:00+00'"
        self.sql = duckdb.connect(config={"threads": arguments.threads})
        self.sql.execute("set TimeZone = 'UTC'; set integer_division = true")
        self.sql.execute(MACROS)
        self.made = set()

    def source(self, _name: str, table: str) -> str:
        """What was known by as-of, without the contracts."""
        view = f"source_{table}"
        if view not in self.made:
            declared = next(t for t in self.project["sources"][0]["tables"] if t["name"] == table)
            later = [c for c in declared["columns"] if "visible_from" in c]
            hidden = ", ".join(
                f"case when {c['visible_from']} < {self.as_of} then {c['name']} end as {c['name']}" for c in later
            )
            replaced = f"* replace ({hidden})" if later else "*"
            times = [declared["event_time"], declared.get("known_at", declared["event_time"])]
            known = " and ".join(f"{column} < {self.as_of}" for column in times)
            files = self.arguments.data / declared["path"] / "**" / "*.parquet"
            self.sql.execute(f"create view {view} as select {replaced} from read_parquet('{files}') where {known}")
            self.made.add(view)
        return view

    def ref(self, model: str) -> str:
        """Staging is read where it is used; what aggregates is computed once."""
        if model not in self.made:
            (path,) = self.arguments.project.glob(f"sql/*/{model}.sql")
            kind = "view" if model.startswith("stg_") else "table"
            query = self.render(path.read_text())
            if (faster := OWN_MODELS / f"{model}.sql").exists():
                query = self.render(faster.read_text(), own=query)
            self.sql.execute(f"create {kind} {model} as {query}")
            self.made.add(model)
        return model

    def render(self, text: str, **others: str) -> str:
        template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text)
        rendered = template.render(
            as_of=self.as_of,
            source=self.source,
            ref=self.ref,
            refused=lambda name, table: f"(select * from {self.source(name, table)} limit 0)",
            var=lambda name: self.project["vars"][name],
            **others,
        )
        # A macro of DuckDB takes no filter; its name of the aggregate; and its decimals end at 38 digits.
        rendered = re.sub(r"gap_stats\(days_ago\) filter \([^)]*\)", "gap_stats(days_ago)", rendered)
        rendered = re.sub(r"first_value\((?=[^)]* order by)", "first(", rendered)
        return re.sub(r"decimal\((39|[4-9]\d), ?\d+\)", "double", rendered)


def matrix(features: pa.Table, names: list[str]) -> np.ndarray:
    columns = [np.asarray(features[name].to_numpy(zero_copy_only=False), dtype=np.float32) for name in names]
    return np.column_stack(columns)


def contributions(kind: str, booster: xgboost.Booster, rows: np.ndarray, names: list[str], threads: int) -> np.ndarray:
    if kind == "xgboost":
        data = xgboost.DMatrix(rows, feature_names=names, nthread=threads)
        return booster.predict(data, pred_contribs=True)[:, :-1]
    import pandas as pd
    from woodelf import WoodelfExplainer

    explainer = WoodelfExplainer(booster, feature_perturbation="tree_path_dependent")
    return np.asarray(explainer.shap_values(pd.DataFrame(rows, columns=names), verbose=False))


def top_reasons(phi: np.ndarray, names: list[str], count: int) -> list[pa.Array]:
    """The features that raise the risk most, where they are 5 % of the total."""
    order = np.argpartition(-phi, count, axis=1)[:, :count]
    values = np.take_along_axis(phi, order, axis=1)
    ranked = np.take_along_axis(order, np.argsort(-values, axis=1), axis=1)
    least = 0.05 * np.abs(phi).sum(axis=1, keepdims=True)
    strong = np.take_along_axis(phi, ranked, axis=1) >= np.maximum(least, np.finfo(np.float32).tiny)
    texts = np.array(names, dtype=object)[ranked]
    return [pa.array(np.where(strong[:, k], texts[:, k], None), type=pa.string()) for k in range(count)]


def allocate(values: np.ndarray, costs: np.ndarray, budget: int) -> np.ndarray:
    """Greedy along every customer's upper hull; -1 for no offer. The columns are sorted by cost."""
    customers, offers = values.shape
    reached_value, reached_cost = np.zeros(customers, np.int64), np.zeros(customers, np.int64)
    steps = []
    at = np.full(customers, -1)
    for _ in range(offers):
        gain, cost = values - reached_value[:, None], costs - reached_cost[:, None]
        better = (gain > 0) & (cost > 0) & (np.arange(offers) > at[:, None])
        efficiency = np.where(better, gain / np.maximum(cost, 1), -1.0)
        best = efficiency.argmax(axis=1)
        rows = np.flatnonzero(efficiency[np.arange(customers), best] > 0)
        steps.append(np.column_stack([rows, best[rows], cost[rows, best[rows]]]))
        steps[-1] = np.column_stack([steps[-1], (efficiency[rows, best[rows]] * 1e9).astype(np.int64)])
        at[rows] = best[rows]
        reached_value[rows], reached_cost[rows] = values[rows, best[rows]], costs[best[rows]]
    steps = np.concatenate(steps)
    steps = steps[np.argsort(-steps[:, 3], kind="stable")]
    taken = steps[np.cumsum(steps[:, 2]) <= budget]
    chosen = np.full(customers, -1)
    chosen[taken[:, 0]] = taken[:, 1]
    return chosen


class Phases:
    def __init__(self):
        self.started, self.seconds = time.perf_counter(), {}

    def end(self, name: str):
        self.seconds[name] = round(time.perf_counter() - self.started, 2)
        self.started = time.perf_counter()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, help="a model of XGBoost; without it only the features are written")
    parser.add_argument("--reasons", choices=["none", "xgboost", "woodelf"], default="none")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    phases = Phases()
    project = Features(arguments)
    day = project.sql.sql(f"select * from {project.ref('customer_features')}").to_arrow_table()
    names = [name for name in day.column_names if name not in ("customer_id", "status", "status_reason")]
    pq.write_table(day, arguments.output / "features.parquet")
    phases.end("features")
    if not arguments.model:
        return print(json.dumps({"features": names, "seconds": phases.seconds}))

    policy = yaml.safe_load((arguments.project / "jobs/policies/retention.yml").read_text())
    facts = project.sql.sql(
        f"""select f.customer_id, v.clv_cents, v.expected_revenue_cents,
            r.open_cases > 0 or coalesce(r.days_since_last_contact < {policy['cooldown_days']}, false)
                or hash(f.customer_id) % 100 < 100 * {policy['holdout']['share']} as is_blocked,
            coalesce(bool_and(c.is_granted) filter (where c.channel = 'email'), true) as email,
            coalesce(bool_and(c.is_granted) filter (where c.channel = 'call'), true) as call
        from customer_features f
        left join {project.ref('customer_value')} v using (customer_id)
        left join {project.ref('customer_contact_rules')} r using (customer_id)
        left join (from {project.ref('customer_consents')} where purpose = 'marketing') c using (customer_id)
        where status = 'eligible' group by all"""
    ).to_arrow_table()
    phases.end("value")

    scored = day.filter(pc.equal(day["status"], "eligible"))
    # The join need not keep the order.
    scored, facts = scored.sort_by("customer_id"), facts.sort_by("customer_id")
    rows = matrix(scored, names)
    booster = xgboost.Booster(model_file=arguments.model)
    booster.set_param({"nthread": arguments.threads})
    probability = booster.inplace_predict(rows)
    phases.end("scores")

    risk = {name: facts[name] for name in ("customer_id", "clv_cents")}
    risk["churn_probability"] = pa.array(probability)
    if arguments.reasons != "none":
        phi = contributions(arguments.reasons, booster, rows, names, arguments.threads)
        for k, texts in enumerate(top_reasons(phi, names, 3)):
            risk[f"reason_{k + 1}"] = texts
    phases.end("reasons")

    catalogue = sorted(policy["interventions"], key=lambda intervention: intervention["cost"])
    costs = np.array([round(100 * intervention["cost"]) for intervention in catalogue])
    effects = np.array([intervention["effect"] for intervention in catalogue])
    clv = facts["clv_cents"].to_numpy().astype(np.float64)
    values = np.floor(probability[:, None] * effects * clv[:, None]).astype(np.int64) - costs
    blocked = facts["is_blocked"].to_numpy(zero_copy_only=False)
    for column, intervention in enumerate(catalogue):
        values[blocked | ~facts[intervention["channel"]].to_numpy(zero_copy_only=False), column] = 0
    slice_cents = round(100 * policy["budget"]["amount"] / 31)
    chosen = allocate(values, costs, slice_cents)
    offers = np.array([intervention["name"] for intervention in catalogue] + [None], dtype=object)
    pq.write_table(pa.table(risk), arguments.output / "risk.parquet")
    plan = {"customer_id": facts["customer_id"], "intervention": pa.array(offers[chosen], type=pa.string())}
    pq.write_table(pa.table(plan), arguments.output / "plan.parquet")
    phases.end("allocation")
    print(json.dumps({"scored": len(rows), "treated": int((chosen >= 0).sum()), "seconds": phases.seconds}))


if __name__ == "__main__":
    main()

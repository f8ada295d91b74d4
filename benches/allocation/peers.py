"""Other people's solvers for the same instance: `peers.py SOLVER FOLDER KINDS RULES SECONDS` answers as JSON.

Each answers in a process of its own, and is imported there only: highspy and OR-Tools bring different libraries of one name.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

GAP = 1e-6


@dataclass
class Instance:
    """Offers by column, customer by customer, and rules as dense rows."""

    kinds: int
    values: np.ndarray
    costs: np.ndarray
    rows: np.ndarray
    limits: np.ndarray

    @staticmethod
    def read(folder: Path, kinds: int, first: int) -> "Instance":
        column = lambda name: np.fromfile(folder / name, dtype="<i8")
        values, costs, segments = column("values"), column("costs"), column("segments").repeat(kinds)
        kind = np.tile(np.arange(kinds), len(values) // kinds)
        rules = json.loads((folder / "rules.json").read_text())[:first]
        rows = np.zeros((len(rules), len(values)))
        for row, rule in zip(rows, rules, strict=True):
            for term in rule["terms"]:
                is_meant = selected(term["kinds"], kind) & selected(term["segments"], segments)
                row += np.where(is_meant, term["factor"] * (costs if term["weight"] == "cost" else 1), 0)
        return Instance(kinds, values, costs, rows, np.array([rule["limit"] for rule in rules], dtype=float))

    @property
    def customers(self) -> int:
        return len(self.values) // self.kinds


def selected(selection, labels: np.ndarray) -> np.ndarray:
    return np.full(len(labels), True) if selection == "all" else np.isin(labels, selection["of"])


@dataclass
class Answer:
    name: str
    seconds: float
    value: float | None
    gap: str


def highs(instance: Instance, time_limit: float, integral: bool) -> Answer:
    import highspy

    customers, kinds, offers = instance.customers, instance.kinds, len(instance.values)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = offers, customers + len(instance.limits)
    model.col_cost_ = -instance.values.astype(float)
    model.col_lower_, model.col_upper_ = np.zeros(offers), np.ones(offers)
    model.row_lower_ = np.full(model.num_row_, -highspy.kHighsInf)
    model.row_upper_ = np.concatenate([np.ones(customers), instance.limits])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    used = instance.rows != 0
    starts = np.concatenate([[0], np.cumsum(1 + used.sum(axis=0))])
    index, value = np.empty(starts[-1], dtype=np.int32), np.ones(starts[-1])
    index[starts[:-1]] = np.arange(offers) // kinds
    column, rule = np.nonzero(used.T)
    place = starts[column] + 1 + np.arange(len(column)) - np.concatenate([[0], np.cumsum(used.sum(axis=0))])[column]
    index[place], value[place] = customers + rule, instance.rows[rule, column]
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = starts, index, value
    if integral:
        model.integrality_ = [highspy.HighsVarType.kInteger] * offers
    solver = highspy.Highs()
    solver.silent()
    for option, setting in [("threads", 1), ("mip_rel_gap", GAP), ("time_limit", time_limit)]:
        solver.setOptionValue(option, setting)
    solver.passModel(model)
    started = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - started
    info = solver.getInfo()
    is_found = solver.getModelStatus() in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit)
    if integral:
        is_found &= info.mip_gap < 1e6
        gap = f"{info.mip_gap:.1e}" if is_found else "no plan"
        return Answer("HiGHS, integers", seconds, -info.objective_function_value if is_found else None, gap)
    is_found &= solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return Answer("HiGHS, relaxation only", seconds, None, "relaxation" if is_found else "not done")


def highs_integers(instance: Instance, time_limit: float) -> Answer:
    return highs(instance, time_limit, True)


def highs_relaxation(instance: Instance, time_limit: float) -> Answer:
    return highs(instance, time_limit, False)


def ortools_scip(instance: Instance, time_limit: float) -> Answer | None:
    """SCIP, the MIP solver that OR-Tools brings with it; larger instances do not end."""
    from ortools.linear_solver import pywraplp

    if len(instance.values) > 100_000:
        return None
    solver = pywraplp.Solver.CreateSolver("SCIP")
    solver.SetTimeLimit(int(1000 * time_limit))
    variables = [solver.BoolVar("") for _ in instance.values]
    for customer in range(instance.customers):
        solver.Add(sum(variables[customer * instance.kinds : (customer + 1) * instance.kinds]) <= 1)
    for row, limit in zip(instance.rows, instance.limits, strict=True):
        constraint = solver.Constraint(-solver.infinity(), limit)
        for at in np.nonzero(row)[0]:
            constraint.SetCoefficient(variables[at], row[at])
    objective = solver.Objective()
    for variable, value in zip(variables, instance.values, strict=True):
        objective.SetCoefficient(variable, float(value))
    objective.SetMaximization()
    parameters = pywraplp.MPSolverParameters()
    parameters.SetDoubleParam(pywraplp.MPSolverParameters.RELATIVE_MIP_GAP, GAP)
    started = time.perf_counter()
    status = solver.Solve(parameters)
    seconds = time.perf_counter() - started
    is_found = status in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE)
    value = objective.Value() if is_found else None
    gap = f"{max(0.0, objective.BestBound() - value) / value:.1e}" if is_found else "no plan"
    return Answer("OR-Tools, SCIP", seconds, value, gap)


def numpy_greedy(instance: Instance, time_limit: float) -> Answer | None:
    """Each customer's most efficient offer, by falling efficiency, while the budget lasts: what people write first."""
    if len(instance.limits) > 1:
        return None
    started = time.perf_counter()
    values, costs = (each.reshape(-1, instance.kinds) for each in (instance.values, instance.costs))
    best = (values / costs).argmax(axis=1)
    chosen = np.arange(len(best)), best
    order = np.argsort(-(values[chosen] / costs[chosen]), kind="stable")
    fits = np.cumsum(costs[chosen][order]) <= instance.limits[0]
    value = int(values[chosen][order][fits].sum())
    return Answer("numpy, greedy", time.perf_counter() - started, value, "unknown")


@dataclass
class BaselinePolicy:
    """Each customer's one offer by risk, the riskiest first: what the baseline policy does with the same offers."""

    costs: np.ndarray
    values: np.ndarray

    @staticmethod
    def read(folder: Path, kinds: int) -> "BaselinePolicy":
        column = lambda name: np.fromfile(folder / name, dtype="<i8")
        risk = column("risks") / 10_000
        kind = np.select([risk >= 0.8, risk >= 0.5], [5, 3], 0)
        riskiest = np.argsort(-risk, kind="stable")
        chosen = riskiest * kinds + kind[riskiest]
        return BaselinePolicy(column("costs")[chosen], column("values")[chosen])

    @property
    def total_cost(self) -> int:
        return int(self.costs.sum())

    def within(self, budget: int) -> tuple[int, int]:
        """What is spent and gained by those who come before the money is spent."""
        reached = np.searchsorted(np.cumsum(self.costs), budget, side="right")
        return int(self.costs[:reached].sum()), int(self.values[:reached].sum())


ALL = {each.__name__: each for each in [highs_integers, highs_relaxation, ortools_scip, numpy_greedy]}


def ask(name: str, folder: Path, kinds: int, rules: int, time_limit: float) -> Answer | None:
    """The answer of a solver to the instance in a folder under its first rules."""
    command = [sys.executable, __file__, name, str(folder), str(kinds), str(rules), str(time_limit)]
    answer = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    return answer and Answer(**answer)


def main() -> None:
    name, folder, kinds, rules, time_limit = sys.argv[1:]
    answer = ALL[name](Instance.read(Path(folder), int(kinds), int(rules)), float(time_limit))
    print(json.dumps(answer and asdict(answer)))


if __name__ == "__main__":
    main()

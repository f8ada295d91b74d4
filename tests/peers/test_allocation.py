"""Plans of `mainstay allocate` against HiGHS, on medium instances with all kinds of rules."""

import json
import os
import subprocess
from pathlib import Path

import highspy
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

INSTANCES = 200
CHANNELS = {"call": "phone", "gift": "parcel", "mail": "email", "sms": "phone"}
COSTS = {"call": 2_000, "gift": 900, "mail": 60, "sms": 150}
REGIONS = ["east", "north", "south"]


class Instance:
    """Offers of some customers, and a policy."""

    def __init__(self, seed: int):
        draw = np.random.default_rng(seed)
        customers = int(draw.integers(40, 120))
        self.regions = draw.choice(REGIONS, customers)
        worth = draw.pareto(1.5, customers) * 4_000
        rows = [
            (customer, offer, int(worth[customer] * effect * draw.uniform(0.5, 1.5)), COSTS[offer] + int(draw.integers(0, 40)))
            for customer in range(customers)
            for offer, effect in [("call", 0.4), ("gift", 0.25), ("mail", 0.04), ("sms", 0.08)]
            if draw.random() < 0.9
        ]
        self.customer, self.offer, self.value, self.cost = (np.array(column) for column in zip(*rows, strict=True))
        self.budget = int(customers * draw.integers(100, 700))
        self.rules = self.draw_rules(draw, customers)

    def draw_rules(self, draw, customers: int) -> dict:
        possible = [
            {"channel": "phone", "most_contacts": int(customers * draw.uniform(0.1, 0.5))},
            {"offer": "gift", "most_cents": int(self.budget * draw.uniform(0.1, 0.4))},
            {"offer": "mail", "least_contacts": int(customers * draw.uniform(0.02, 0.1))},
            {"group": "region", "is": "north", "most_budget_share": "0.4"},
            {"group": "region", "is": "south", "least_cents": int(self.budget * draw.uniform(0.02, 0.1))},
        ]
        rules = {"limits": [rule for rule in possible if draw.random() < 0.5]}
        if draw.random() < 0.4:
            rules["parity"] = [{"group": "region", "ratio": "0.8"}]
        return rules

    def write(self, folder: Path) -> None:
        table = {
            "customer_id": self.customer,
            "offer": self.offer,
            "channel": [CHANNELS[offer] for offer in self.offer],
            "value_cents": self.value,
            "cost_cents": self.cost,
            "region": self.regions[self.customer],
        }
        pq.write_table(pa.table(table), folder / "offers.parquet")
        policy = f"budget_cents: {self.budget}\nrules:\n"
        policy += f"  limits: {json.dumps(self.rules['limits'])}\n".replace('"0.4"', "0.4")
        policy += "  parity: [{group: region, ratio: 0.8}]\n" if "parity" in self.rules else ""
        (folder / "policy.yml").write_text(policy)

    def rows(self) -> list[tuple[np.ndarray, float]]:
        """Every rule as coefficients and the most that they may add up to, from its words."""
        region, channel = self.regions[self.customer], np.array([CHANNELS[offer] for offer in self.offer])
        rows = [(self.cost.astype(float), self.budget)]
        for rule in self.rules["limits"]:
            meant = np.full(len(self.offer), True)
            meant &= self.offer == rule["offer"] if "offer" in rule else True
            meant &= channel == rule["channel"] if "channel" in rule else True
            meant &= region == rule["is"] if "is" in rule else True
            count, money = meant.astype(float), meant * self.cost.astype(float)
            rows += [(count, rule["most_contacts"])] if "most_contacts" in rule else []
            rows += [(-count, -rule["least_contacts"])] if "least_contacts" in rule else []
            rows += [(money, rule["most_cents"])] if "most_cents" in rule else []
            rows += [(-money, -rule["least_cents"])] if "least_cents" in rule else []
            rows += [(money, self.budget * 2 // 5)] if "most_budget_share" in rule else []
        if "parity" in self.rules:
            # Whoever has an offer stands in the file.
            known = np.unique(self.customer)
            sizes = {name: int((self.regions[known] == name).sum()) for name in REGIONS}
            for one in REGIONS:
                for other in REGIONS:
                    if one != other and sizes[one] and sizes[other]:
                        row = 4.0 * sizes[one] * (region == other) - 5.0 * sizes[other] * (region == one)
                        rows.append((row, 0))
        return rows

    def solved_by_highs(self) -> float | None:
        """The value of HiGHS's plan, or `None` where it finds that there is none."""
        solver = highspy.Highs()
        solver.silent()
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("mip_rel_gap", 1e-6)
        solver.setOptionValue("time_limit", 10.0)
        infinity = highspy.kHighsInf
        chosen = [solver.addVariable(0, 1, -float(value), type=highspy.HighsVarType.kInteger) for value in self.value]
        for customer in np.unique(self.customer):
            own = np.nonzero(self.customer == customer)[0].astype(np.int32)
            solver.addRow(-infinity, 1, len(own), own, np.ones(len(own)))
        for row, limit in self.rows():
            used = np.nonzero(row)[0].astype(np.int32)
            solver.addRow(-infinity, float(limit), len(used), used, row[used])
        assert len(chosen) == len(self.value)
        solver.run()
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return None
        return -solver.getInfo().objective_function_value


def mainstay(verb: str, **files: Path) -> subprocess.CompletedProcess:
    flags = [flag for name, path in files.items() for flag in (f"--{name}", str(path))]
    return subprocess.run([os.environ["MAINSTAY"], verb, *flags, "-o", "json"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("batch", range(INSTANCES // 20))
def test_plans_are_as_good_as_those_of_highs(batch: int, tmp_path: Path):
    solved = 0
    for seed in range(20 * batch, 20 * batch + 20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        instance = Instance(seed)
        instance.write(folder)
        offers, plan, certificate = folder / "offers.parquet", folder / "plan.parquet", folder / "cert.json"
        done = mainstay("allocate", offers=offers, policy=folder / "policy.yml", output=plan, certificate=certificate)
        best = instance.solved_by_highs()
        if best is None:
            assert done.returncode == 1 and "cannot be kept" in done.stderr, done.stderr
            continue
        assert done.returncode == 0, done.stderr
        planned = json.loads(done.stdout)
        rows = pq.read_table(plan).to_pydict()
        value = sum(rows["value_cents"])
        assert value == planned["value_cents"]
        # HiGHS keeps rows and integers to 1e-6 only: a cent is its rounding.
        assert best <= planned["upper_bound_cents"] + 1, "HiGHS is above the bound"
        missed = planned["upper_bound_cents"] - value
        assert best - value <= missed + 1
        chosen = {(customer, offer) for customer, offer in zip(rows["customer_id"], rows["offer"], strict=True) if offer}
        taken = np.array([pair in chosen for pair in zip(instance.customer.tolist(), instance.offer.tolist(), strict=True)])
        assert all(row[taken].sum() <= limit + 1e-6 for row, limit in instance.rows())
        checked = mainstay("verify", offers=offers, plan=plan, certificate=certificate)
        assert checked.returncode == 0, checked.stderr
        solved += 1
    assert solved >= 10, "too few of the instances have a plan"

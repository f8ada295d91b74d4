"""Trains by the command and reads back the rows that the model was made of and judged on."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
# What a row file has beside the features.
NOT_FEATURES = {"customer_id", "cut", "churned", "fitted", "fold", "raw_score", "churn_probability"}


@dataclass
class Rows:
    """Rows of one or more cuts; features are NaN where missing."""

    customer_ids: np.ndarray | None
    cuts: np.ndarray
    churned: np.ndarray
    features: np.ndarray
    names: list[str]
    # What the model says of a row that it has not seen.
    raw_scores: np.ndarray
    probabilities: np.ndarray | None

    @classmethod
    def read(cls, file: Path) -> "Rows":
        table = pq.read_table(file)
        is_feature = lambda name: name not in NOT_FEATURES and not name.startswith("segment_")
        names = [name for name in table.column_names if is_feature(name)]
        column = lambda name: table[name].to_numpy(zero_copy_only=False)
        return cls(
            # Test rows beside groups, which may be protected attributes, name no customer.
            customer_ids=column("customer_id") if "customer_id" in table.column_names else None,
            cuts=column("cut").astype("datetime64[D]"),
            churned=column("churned").astype(int),
            features=np.column_stack([column(name).astype(float) for name in names]),
            names=names,
            raw_scores=column("raw_score").astype(float),
            probabilities=column("churn_probability") if "churn_probability" in table.column_names else None,
        )

    def where(self, mask: np.ndarray) -> "Rows":
        values = {name: value[mask] if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}
        return Rows(**values)

    def feature(self, name: str) -> np.ndarray:
        return self.features[:, self.names.index(name)]


@dataclass
class Training:
    """A training of `train_churn` as the command recorded it."""

    details: dict
    fitted: Rows
    test: Rows

    @classmethod
    def run(cls, project: Path, variables: dict[str, object], date: str, lake: Path) -> "Training":
        details = mainstay(project, {**variables, "lake": lake}, "run", "train_churn", "--date", date)["record"]["details"]["training"]
        training = lake / details["training_rows"]["file"]
        # Rows that only calibrate are no trees' to learn from, nor the peer's.
        fitted = Rows.read(training).where(pq.read_table(training, columns=["fitted"])["fitted"].to_numpy())
        return cls(details, fitted, Rows.read(lake / details["test_rows"]["file"]))


def mainstay(project: Path, variables: dict[str, object], *arguments: str) -> dict:
    """Runs the command in a project and reads its JSON."""
    stated = ", ".join(f"{name}: {value}" for name, value in variables.items())
    command = [os.environ["MAINSTAY"], *arguments, "--project-dir", str(project), "--vars", stated, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

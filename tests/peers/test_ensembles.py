"""Random models of XGBoost, LightGBM and scikit-learn give the same scores and contributions here as in their own libraries."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shap
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as OnnxmltoolsFloats
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier

TRAINED_ON = 400
SCORED = 300
PREDICTIONS = 1e-6
CONTRIBUTIONS = 1e-4


@dataclass
class Table:
    """Random features with ties, gaps, zeros and codes of categories, and labels that depend on them."""

    seed: int
    gaps: bool = True
    with_categories: bool = False
    names: list[str] = field(init=False)
    values: np.ndarray = field(init=False)
    categorical: list[int] = field(init=False)

    def __post_init__(self):
        self.draw = np.random.default_rng(self.seed)
        rows, count = TRAINED_ON + SCORED, int(self.draw.integers(1, 13))
        self.names = [f"feature {i}" if i % 5 == 4 else f"f_{i}" for i in range(count)]
        kinds = self.draw.integers(0, 3, count)
        self.categorical = [i for i in range(count) if self.with_categories and kinds[i] == 2 or self.with_categories and i == 0]
        columns = [self._column(rows, i in self.categorical, kinds[i]) for i in range(count)]
        self.values = np.stack(columns, axis=1)
        if self.gaps:
            self.values[self.draw.random(self.values.shape) < 0.15] = np.nan
        known = np.nan_to_num(self.values)
        signal = np.sin(known * self.draw.normal(size=count)).sum(axis=1) + known[:, 0] % 2
        self.target = signal + self.draw.normal(scale=0.5, size=rows)
        self.label = (self.target > np.median(self.target)).astype(int)

    def _column(self, rows: int, is_categorical: bool, kind: int) -> np.ndarray:
        if is_categorical:
            return self.draw.integers(0, self.draw.integers(2, 40), rows).astype(float)
        if kind == 0:
            return self.draw.integers(-4, 5, rows) / 2.0
        values = self.draw.normal(scale=10.0 ** self.draw.integers(-3, 4), size=rows)
        values[self.draw.random(rows) < 0.1] = 0.0
        return values

    @property
    def train(self) -> np.ndarray:
        return self.values[:TRAINED_ON]

    @property
    def scored(self) -> np.ndarray:
        return self.values[TRAINED_ON:]

    def trained_on(self, classifies: bool) -> np.ndarray:
        return (self.label if classifies else self.target)[:TRAINED_ON]


@dataclass
class Scores:
    predictions: np.ndarray
    margins: np.ndarray
    contributions: np.ndarray | None


class Mainstay:
    """The command, on files of one folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def run(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run([os.environ["MAINSTAY"], *map(str, arguments)], capture_output=True, text=True, check=False)

    def json(self, *arguments) -> dict:
        done = self.run(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def import_model(self, source: str, file: Path, features: list[str] | None = None) -> dict:
        named = ["--features", ",".join(features)] if features else []
        output = self.folder / "model.json"
        return self.json("model", "import", "--format", source, file, "--output", output, "--force", *named)

    def score(self, names: list[str], values: np.ndarray, *flags: str) -> Scores:
        rows, output = self.folder / "rows.parquet", self.folder / "scored.parquet"
        columns = [pa.array(column, from_pandas=i % 2 == 0) for i, column in enumerate(values.T)]
        pq.write_table(pa.table(columns, names=names), rows, row_group_size=120)
        model = self.folder / "model.json"
        self.json("score", "--model", model, "--input", rows, "--output", output, "--force", "--quiet", *flags)
        scored = pq.read_table(output)
        assert scored.column_names[: len(names)] == names and scored.num_rows == len(values)
        column = lambda name: scored[name].to_numpy()
        prediction = "probability" if "probability" in scored.column_names else "prediction"
        contributions = None
        if "--contributions" in flags:
            contributions = np.stack([column(f"contribution_{name}") for name in [*names, "bias"]], axis=1)
        return Scores(column(prediction), column("raw_score"), contributions)


@pytest.fixture
def mainstay(tmp_path) -> Mainstay:
    return Mainstay(tmp_path)


def assert_predicts(ours: Scores, predictions: np.ndarray):
    scale = max(1.0, np.abs(predictions).max())
    assert np.abs(ours.predictions - predictions).max() <= PREDICTIONS * scale


def assert_contributes(ours: Scores, contributions: np.ndarray):
    """Within 1e-4 of what the row's largest contribution is, and adding up to the margin within single precision."""
    scale = np.abs(contributions).max(axis=1, keepdims=True)
    assert (np.abs(ours.contributions - contributions) <= CONTRIBUTIONS * scale + 1e-9).all()
    margin_scale = np.maximum(1.0, np.abs(ours.contributions).sum(axis=1))
    assert (np.abs(ours.contributions.sum(axis=1) - ours.margins) <= PREDICTIONS * margin_scale).all()


def train_xgboost(table: Table, classifies: bool) -> tuple[xgboost.Booster, xgboost.DMatrix]:
    draw = table.draw
    parameters = {
        "objective": "binary:logistic" if classifies else "reg:squarederror",
        "max_depth": int(draw.integers(1, 9)),
        "eta": 0.2,
        "min_child_weight": 0.5,
        "seed": table.seed,
        "nthread": 1,
        "booster": "dart" if draw.random() < 0.15 else "gbtree",
    }
    if draw.random() < 0.3:
        parameters |= {"grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0}
    if draw.random() < 0.4:
        parameters["base_score"] = float(draw.uniform(0.1, 0.9))
    if parameters["booster"] == "dart":
        parameters["rate_drop"] = 0.2
    types = ["c" if i in table.categorical else "float" for i in range(len(table.names))]
    matrix = lambda values, label=None: xgboost.DMatrix(
        values, label, feature_names=table.names, feature_types=types, enable_categorical=True, nthread=1
    )
    booster = xgboost.train(
        parameters, matrix(table.train, table.trained_on(classifies)), num_boost_round=int(draw.integers(1, 25))
    )
    return booster, matrix(table.scored)


@pytest.mark.parametrize("seed", range(80))
def test_xgboost(mainstay, seed):
    table = Table(seed, gaps=seed % 5 > 0, with_categories=seed % 4 == 3)
    booster, rows = train_xgboost(table, classifies=seed % 3 > 0)
    file = mainstay.folder / ("model.ubj" if seed % 2 else "model.json.xgb")
    file.write_bytes(booster.save_raw("ubj" if seed % 2 else "json"))
    summary = mainstay.import_model("xgboost", file)
    assert summary["trees"] == booster.num_boosted_rounds()
    ours = mainstay.score(table.names, table.scored, "--contributions")
    assert_predicts(ours, booster.predict(rows))
    assert_contributes(ours, booster.predict(rows, pred_contribs=True))


MISSING = [{}, {"zero_as_missing": True}, {"use_missing": False}]


def train_lightgbm(table: Table, seed: int, classifies: bool) -> lightgbm.Booster:
    draw = table.draw
    parameters = {
        "objective": "binary" if classifies else "regression",
        "num_leaves": int(draw.integers(2, 65)),
        "min_data_in_leaf": int(draw.integers(1, 20)),
        "min_data_in_bin": 1,
        "min_data_per_group": 5,
        "cat_smooth": 1.0,
        "max_cat_to_onehot": int(draw.choice([1, 4])),
        "learning_rate": 0.2,
        "seed": seed,
        "num_threads": 1,
        "verbose": -1,
        "deterministic": True,
    } | MISSING[seed % 3]
    if draw.random() < 0.15:
        parameters |= {"boosting": "dart", "drop_rate": 0.3}
    if draw.random() < 0.15:
        parameters |= {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "boost_from_average": False}
    if classifies and draw.random() < 0.2:
        parameters["sigmoid"] = 2.0
    data = lightgbm.Dataset(
        table.train,
        table.trained_on(classifies),
        feature_name=[name.replace(" ", "_") for name in table.names],
        categorical_feature=table.categorical,
        params=parameters,
    )
    return lightgbm.train(parameters, data, num_boost_round=int(draw.integers(1, 25)))


@pytest.mark.parametrize("seed", range(100))
def test_lightgbm(mainstay, seed):
    table = Table(1_000 + seed, gaps=seed % 5 > 0, with_categories=seed % 2 == 1)
    classifies = seed % 4 > 0
    booster = train_lightgbm(table, seed, classifies)
    file = mainstay.folder / "model.txt"
    booster.save_model(file)
    summary = mainstay.import_model("lightgbm", file)
    assert summary["leaves"] == sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"])
    ours = mainstay.score(booster.feature_name(), table.scored, "--contributions")
    assert_predicts(ours, booster.predict(table.scored))
    # LightGBM's raw score of a forest is the sum over its trees, ours of a regression the mean, which is what it predicts.
    is_mean = "average_output" in file.read_text() and not classifies
    trees = booster.num_trees() if is_mean else 1
    raw_scores = booster.predict(table.scored, raw_score=True) / trees
    assert np.abs(ours.margins - raw_scores).max() <= PREDICTIONS * max(1.0, np.abs(raw_scores).max())
    assert_contributes(ours, booster.predict(table.scored, pred_contrib=True) / trees)


def to_onnx_model(table: Table, kind: int):
    """An ONNX model with its probabilities or predictions."""
    train, label = np.nan_to_num(table.train).astype(np.float32), table.label[:TRAINED_ON]
    count, seed = len(table.names), table.seed
    inputs = [("input", OnnxmltoolsFloats([None, count]))]
    if kind == 0:
        model = lightgbm.LGBMClassifier(n_estimators=12, num_leaves=20, n_jobs=1, verbose=-1, random_state=seed)
        return convert_lightgbm(model.fit(train, label), initial_types=inputs, zipmap=False)
    if kind == 1:
        model = xgboost.XGBClassifier(n_estimators=12, max_depth=5, n_jobs=1, random_state=seed)
        return convert_xgboost(model.fit(train, label), initial_types=inputs)
    if kind == 2:
        model = GradientBoostingClassifier(n_estimators=12, max_depth=4, random_state=seed).fit(train, label)
    elif kind == 3:
        model = RandomForestClassifier(n_estimators=8, max_depth=7, random_state=seed).fit(train, label)
    else:
        target = table.trained_on(classifies=False)
        model = GradientBoostingRegressor(n_estimators=12, max_depth=4, random_state=seed).fit(train, target)
    return to_onnx(model, train[:1], options={"zipmap": False} if kind < 4 else None)


@pytest.mark.parametrize("seed", range(40))
def test_onnx(mainstay, seed):
    table, kind = Table(2_000 + seed, gaps=False), seed % 5
    model = to_onnx_model(table, kind)
    file = mainstay.folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    mainstay.import_model("onnx", file, table.names)
    rows = table.scored.astype(np.float32)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: rows})
    expected = outputs[0].ravel() if kind == 4 else np.asarray(outputs[1])[:, 1]
    assert_predicts(mainstay.score(table.names, table.scored), expected)
    refused = mainstay.run(
        "score", "--contributions", "--model", mainstay.folder / "model.json", "--input", mainstay.folder / "rows.parquet",
        "--output", mainstay.folder / "explained.parquet",
    )
    assert refused.returncode == 1 and "covers" in refused.stderr


@pytest.mark.parametrize("seed", range(20))
def test_shap(mainstay, seed):
    """The reference implementation, which computes in double precision."""
    table = Table(3_000 + seed)
    if seed % 2:
        booster, _ = train_xgboost(table, classifies=True)
        source, names = "xgboost", table.names
        file = mainstay.folder / "model.ubj"
        file.write_bytes(booster.save_raw("ubj"))
    else:
        booster, source = train_lightgbm(table, 3 * seed, classifies=True), "lightgbm"
        names = booster.feature_name()
        file = mainstay.folder / "model.txt"
        booster.save_model(file)
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    explained = explainer(table.scored)
    values = explained.values if explained.values.ndim == 2 else explained.values[:, :, 1]
    base = np.asarray(explained.base_values).reshape(len(values), -1)[:, -1:]
    mainstay.import_model(source, file)
    assert_contributes(mainstay.score(names, table.scored, "--contributions"), np.hstack([values, base]))


def test_sizes_at_the_edge(mainstay):
    """No row, one row, and a file in one row group that is larger than a batch."""
    table = Table(7)
    booster, rows = train_xgboost(table, classifies=True)
    file = mainstay.folder / "model.ubj"
    file.write_bytes(booster.save_raw("ubj"))
    mainstay.import_model("xgboost", file)
    for count in (0, 1):
        assert len(mainstay.score(table.names, table.scored[:count], "--contributions", "--reasons", "2").margins) == count
    many = np.tile(table.scored, (200, 1))
    pq.write_table(pa.table(list(many.T), names=table.names), mainstay.folder / "many.parquet")
    mainstay.json(
        "score", "--model", mainstay.folder / "model.json", "--input", mainstay.folder / "many.parquet",
        "--output", mainstay.folder / "many_scored.parquet", "--threads", "2",
    )
    probabilities = pq.read_table(mainstay.folder / "many_scored.parquet")["probability"].to_numpy()
    assert np.abs(probabilities - np.tile(booster.predict(rows), 200)).max() <= PREDICTIONS

"""`mainstay train` on a file of bank customers ranks as well as XGBoost, fold by fold, and gives the same model twice."""

import json
import os
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from test_model_quality import data
from xgboost import XGBClassifier

FOLDS = 5
MOST_BEHIND = -0.005
# The usual settings of a logistic regression.
CLIP_QUANTILE, L2 = 0.01, 1.0
LABEL, CUSTOMER, CHURNED = "Attrition_Flag", "CLIENTNUM", "Attrited Customer"
# As most use it, and as ten thousand rows need it.
GRID = [
    {"max_depth": depth, "learning_rate": 0.1, "n_estimators": trees, **more}
    for depth in (4, 6)
    for trees in (200, 400)
    for more in ({}, {"subsample": 0.7, "colsample_bytree": 0.5})
]


def mainstay(*arguments: object) -> dict:
    done = subprocess.run([os.environ["MAINSTAY"], *map(str, arguments), "-o", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def encoded(table: pa.Table) -> np.ndarray:
    """Texts as columns of zeros and ones."""
    columns = []
    for name in table.column_names:
        if name in (LABEL, CUSTOMER):
            continue
        values = table[name].to_numpy(zero_copy_only=False)
        if values.dtype == object:
            columns += [(values == value).astype(float) for value in sorted(set(values))]
        else:
            columns.append(values.astype(float))
    return np.column_stack(columns)


def test_bank_customers_fold_by_fold(tmp_path, capsys):
    table = pq.read_table(data("bankchurners") / "bankchurners.parquet")
    churned = (table[LABEL].to_numpy(zero_copy_only=False) == CHURNED).astype(int)
    features = encoded(table)
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(features, churned))
    train = ["train", "--label", LABEL, "--positive", CHURNED, "--key", CUSTOMER]
    ours, digests, leaks = [], [], set()
    for fold, (training, test) in enumerate(folds):
        files = [tmp_path / f"{name}-{fold}.parquet" for name in ("training", "test", "scored")]
        pq.write_table(table.take(training), files[0])
        pq.write_table(table.take(test), files[1])
        model = tmp_path / f"model-{fold}.json"
        report = mainstay(*train, "--input", files[0], "--test", files[1], "--output", model)
        mainstay("score", "--model", model, "--input", files[1], "--output", files[2])
        scored = pq.read_table(files[2], columns=["probability"])["probability"].to_numpy()
        ours.append(roc_auc_score(churned[test], scored))
        # The model that was judged is the model that was written.
        assert ours[-1] == pytest.approx(report["judgement"]["auc"], abs=1e-9)
        digests.append(report["model"])
        leaks |= {finding["kind"] for finding in report["leakage"]["findings"]}
    of_grid = [
        [
            roc_auc_score(churned[test], XGBClassifier(n_jobs=2, random_state=1, **given).fit(features[training], churned[training]).predict_proba(features[test])[:, 1])
            for training, test in folds
        ]
        for given in GRID
    ]
    theirs = max(of_grid, key=np.mean)
    with capsys.disabled():
        print(f"\nbankchurners: mean AUC of {FOLDS} folds {np.mean(ours):.4f}, XGBoost's best of {len(GRID)} {np.mean(theirs):.4f}")
    assert np.mean(ours) - np.mean(theirs) >= MOST_BEHIND
    assert not leaks
    again = tmp_path / "again.json"
    mainstay(*train, "--input", tmp_path / "training-0.parquet", "--test", tmp_path / "test-0.parquet", "--output", again, "--threads", 1)
    assert mainstay("model", "show", again)["digest"] == digests[0]


def test_logistic_regression_finds_the_optimum(tmp_path, capsys):
    """On the same clipped and standardised columns; the penalty is that of `L2`, and the intercept has none."""
    table = pq.read_table(data("bankchurners") / "bankchurners.parquet")
    numbers = [name for name in table.column_names if pa.types.is_floating(table[name].type) or pa.types.is_integer(table[name].type)]
    table = table.select([*numbers, LABEL])
    rows, model = tmp_path / "rows.parquet", tmp_path / "model.json"
    pq.write_table(table, rows)
    # All rows are learnt from, and judged on.
    flags = ["--label", LABEL, "--positive", CHURNED, "--key", CUSTOMER, "--kind", "logistic", "--candidates", "1"]
    mainstay("train", *flags, "--input", rows, "--test", rows, "--output", model)
    found = json.loads(model.read_text())
    names = [feature["name"] for feature in found["features"]]
    lines = {names[term["feature"]]: {key: float(value) for key, value in term["effect"]["line"].items()} for term in found["terms"]}

    churned = (table[LABEL].to_numpy(zero_copy_only=False) == CHURNED).astype(int)
    standardised, deviations = [], []
    for name, line in lines.items():
        values = table[name].to_numpy().astype(float)
        clipped = np.clip(values, line["low"], line["high"])
        in_order = np.sort(values)
        quantiles = [in_order[int(np.floor(share * (len(values) - 1) + 0.5))] for share in (CLIP_QUANTILE, 1 - CLIP_QUANTILE)]
        assert [line["low"], line["high"]] == quantiles or quantiles[0] == quantiles[1]
        assert line["centre"] == pytest.approx(clipped.mean(), rel=1e-9)
        standardised.append((clipped - clipped.mean()) / clipped.std())
        deviations.append(clipped.std())
    peer = LogisticRegression(C=1 / L2, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(np.column_stack(standardised), churned)
    ours = np.array([line["slope"] for line in lines.values()]) * deviations
    with capsys.disabled():
        print(f"\nlogistic regression: {len(ours)} coefficients, farthest from scikit-learn's by {np.abs(ours - peer.coef_[0]).max():.1e}")
    assert len(ours) > 10
    assert ours == pytest.approx(peer.coef_[0], abs=1e-6)
    assert float(found["bias"]) == pytest.approx(peer.intercept_[0], abs=1e-6)

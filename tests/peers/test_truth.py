"""On generated data, whose truth is known, the learnt ranking comes near the best that anyone could give."""

import re
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from sklearn.metrics import roc_auc_score
from training import ROOT, Training, mainstay

# Two years from 2024-01-01; the truth has the midnight of the test cut, 90 days before.
DATE = "2025-12-31"
CUSTOMERS = 6000
# Share of the way from 0.5 to the AUC of the truth. The data and the model are the same on every machine.
LEAST_SHARE_OF_THE_WAY = 0.97


def oracle(truth, day: np.datetime64) -> dict[str, float]:
    """The probability that a customer leaves, from the process that the data were drawn from, as of a day."""
    rows = ds.dataset(truth / "hazard.parquet").to_table(filter=ds.field("ds") == day.item())
    return dict(zip(rows["customer_id"].to_pylist(), rows["churn_probability"].to_pylist()))


def without_groups(project: Path) -> Path:
    """The reference project with a training without groups: its test rows name their customers."""
    (project / "jobs").mkdir(parents=True)
    (project / "mainstay.yml").write_text(f"name: without_groups\ntime_zone: UTC\nextends: {ROOT}\n")
    job = (ROOT / "jobs/train_churn.yml").read_text()
    without, cut = re.subn(r"^segments:\n(?:  .*\n)+", "", job, flags=re.MULTILINE)
    assert cut == 1, "the training has no groups any more"
    (project / "jobs/train_churn.yml").write_text(without)
    return project


@pytest.fixture(scope="module")
def retailer(tmp_path_factory):
    data = tmp_path_factory.mktemp("truth") / "data"
    mainstay(ROOT, {"lake": data.parent / "lake"}, "generate", "--customers", str(CUSTOMERS), "--days", "730",
             "--seed", "11", "--output-dir", str(data))
    return data


def test_the_ranking_comes_near_the_truth(retailer, capsys):
    training = Training.run(without_groups(retailer.parent / "project"), {"data": retailer}, DATE, retailer.parent / "lake")
    test = training.test
    leaves = oracle(retailer / "_truth", test.cuts[0])
    assert set(test.customer_ids) <= set(leaves), "the truth does not know every customer of the test cut"
    best = roc_auc_score(test.churned, [leaves[customer] for customer in test.customer_ids])
    learnt = roc_auc_score(test.churned, test.raw_scores)
    with capsys.disabled():
        print(f"\ngenerated: {len(test.churned)} customers at {test.cuts[0]}, AUC {learnt:.4f} of at most {best:.4f},")
        print(f"  {(learnt - 0.5) / (best - 0.5):.3f} of the way from 0.5; recency {roc_auc_score(test.churned, test.feature('days_since_last_order')):.4f}")
    assert learnt - 0.5 >= LEAST_SHARE_OF_THE_WAY * (best - 0.5)

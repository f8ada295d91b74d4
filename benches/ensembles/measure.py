"""Times Mainstay and its peers on the same models and rows, on one core, and writes a table."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import lightgbm
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import shap
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from timing import REPEATS, least_seconds

TREES = 500
TRAINED_ON = 50_000
MISSING_SHARE = 0.05
# The slower an engine, the fewer rows it is given: its time a row does not depend on them.
SCORED = 200_000
EXPLAINED = {"mainstay": 50_000, "woodelf_explainer": 100_000, "others": 300}
FILE_ROWS = 1_000_000


def rows(count: int, features: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(count, features)).astype(np.float32)
    values[draw.random(values.shape) < MISSING_SHARE] = np.nan
    return values


def label(values: np.ndarray, seed: int) -> np.ndarray:
    known = np.nan_to_num(values)
    odds = known[:, 0] + known[:, 1] * known[:, 2] + np.sin(2 * known[:, 3]) + 0.5 * known[:, 4:20].sum(axis=1)
    return (odds + np.random.default_rng(seed).normal(size=len(values)) > 0).astype(int)


def names(features: int) -> list[str]:
    return [f"f{i}" for i in range(features)]


class Case:
    """One model in the form of its library, of ONNX and of Mainstay, with rows to score."""

    def __init__(self, library: str, features: int, arguments: argparse.Namespace):
        self.library, self.features, self.arguments = library, features, arguments
        self.title = f"{'XGBoost, depth 6' if library == 'xgboost' else 'LightGBM, 64 leaves'}, {features} features"
        self.work = arguments.work / f"{library}-{features}"
        self.work.mkdir(parents=True, exist_ok=True)
        self.chosen: list[str] = []
        self.booster = self._booster()
        self.model = self.work / "model.json"
        timings(arguments, "import", library, self.file, self.model)
        self.rows = rows(SCORED // arguments.scale, features, seed=2)

    @property
    def file(self) -> Path:
        return self.work / ("model.ubj" if self.library == "xgboost" else "model.txt")

    def _booster(self):
        """Trained once, and kept: training takes longer than all measurements."""
        train = rows(TRAINED_ON, self.features, seed=1)
        if self.library == "xgboost":
            if not self.file.exists():
                data = xgboost.DMatrix(train, label(train, 1), feature_names=names(self.features))
                parameters = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.05, "seed": 1}
                xgboost.train(parameters, data, TREES).save_model(self.file)
            booster = xgboost.Booster(model_file=self.file)
            booster.set_param({"nthread": 1})
            return booster
        if not self.file.exists():
            data = lightgbm.Dataset(train, label(train, 1), feature_name=names(self.features))
            parameters = {"objective": "binary", "num_leaves": 64, "learning_rate": 0.05, "seed": 1, "verbose": -1}
            lightgbm.train(parameters, data, TREES).save_model(self.file)
        return lightgbm.Booster(model_file=self.file)

    def write_rows(self, values: np.ndarray, name: str) -> Path:
        """As Parquet, NaN as it is."""
        path = self.work / name
        pq.write_table(pa.table(list(values.T), names=names(self.features)), path)
        return path

    def onnx(self) -> bytes:
        convert = convert_xgboost if self.library == "xgboost" else convert_lightgbm
        options = {} if self.library == "xgboost" else {"zipmap": False}
        booster = self.booster
        if self.library == "xgboost":
            booster = xgboost.Booster(model_file=self.file)
            booster.feature_names = None
        model = convert(booster, initial_types=[("input", FloatTensorType([None, self.features]))], **options)
        return model.SerializeToString()


def timings(arguments: argparse.Namespace, *command) -> dict:
    done = subprocess.run([arguments.timings, *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"timings {command}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout else {}


def score_own_library(case: Case):
    if case.library == "xgboost":
        return f"XGBoost {xgboost.__version__} inplace_predict", least_seconds(lambda: case.booster.inplace_predict(case.rows)), len(case.rows)
    return f"LightGBM {lightgbm.__version__}", least_seconds(lambda: case.booster.predict(case.rows, num_threads=1)), len(case.rows)


def score_onnxruntime(case: Case):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(case.onnx(), options, providers=["CPUExecutionProvider"])
    outputs = [session.get_outputs()[-1].name]
    return f"ONNX Runtime {onnxruntime.__version__}", least_seconds(lambda: session.run(outputs, {"input": case.rows})), len(case.rows)


def score_onedal(case: Case):
    import daal4py

    daal4py.daalinit(1)
    model = daal4py.mb.convert_model(case.booster)
    version = importlib.metadata.version("scikit-learn-intelex")
    return f"oneDAL (daal4py {version})", least_seconds(lambda: model.predict_proba(case.rows)), len(case.rows)


def score_lleaves(case: Case):
    if case.library != "lightgbm":
        raise NotImplementedError("reads LightGBM's models only")
    # It needs an older LLVM than shap, and so an environment of its own.
    path = case.work / "rows.npy"
    np.save(path, case.rows.astype(np.float64))
    program = Path(__file__).with_name("lleaves_seconds.py")
    command = [case.arguments.lleaves, program, case.file, path]
    measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return f"lleaves {measured['version']}", measured["seconds"], len(case.rows)


def explain_own_library(case: Case):
    few = case.rows[: EXPLAINED["others"]]
    if case.library == "xgboost":
        data = xgboost.DMatrix(few, feature_names=names(case.features), nthread=1)
        work = lambda: case.booster.predict(data, pred_contribs=True)
        return f"XGBoost {xgboost.__version__} pred_contribs", least_seconds(work), len(few)
    work = lambda: case.booster.predict(few, pred_contrib=True, num_threads=1)
    return f"LightGBM {lightgbm.__version__} pred_contrib", least_seconds(work), len(few)


def explain_shap(case: Case):
    few = case.rows[: EXPLAINED["others"]]
    explainer = shap.TreeExplainer(case.booster, feature_perturbation="tree_path_dependent")
    # shap hands XGBoost's and LightGBM's models back to their own libraries, unless its own code is asked for.
    explainer.model.original_model = None
    explainer.model.model_type = "internal"
    return f"shap {shap.__version__} TreeExplainer", least_seconds(lambda: explainer.shap_values(few, check_additivity=False)), len(few)


def explain_woodelf(case: Case):
    import pandas as pd
    from woodelf import WoodelfExplainer

    count = EXPLAINED["woodelf_explainer"] // case.arguments.scale
    frame = pd.DataFrame(rows(count, case.features, seed=2), columns=names(case.features))
    explainer = WoodelfExplainer(case.booster, feature_perturbation="tree_path_dependent")
    version = importlib.metadata.version("woodelf-explainer")
    return f"woodelf_explainer {version}", least_seconds(lambda: explainer.shap_values(frame, verbose=False)), count


SCORERS = [score_own_library, score_onnxruntime, score_onedal, score_lleaves]
EXPLAINERS = [explain_own_library, explain_shap, explain_woodelf]


def measure(engines: list, case: Case, ours: dict, unit: float) -> dict[str, float]:
    """Time a row of every engine that installs and takes the model, in units of so many seconds.

    Mainstay is its kernel on the instruction set that its self-test chose; the other sets of the machine stand beside it.
    """
    seconds = {"Mainstay": ours["seconds"].pop(ours["chosen"])}
    seconds |= {f"Mainstay on {name}": of_set for name, of_set in ours["seconds"].items()}
    measured = {name: of_set / ours["rows"] / unit for name, of_set in seconds.items()}
    case.chosen.append(ours["chosen"])
    for engine in engines:
        try:
            name, seconds, count = engine(case)
            measured[name] = seconds / count / unit
            print(f"  {name}: {measured[name]:.3g}, Mainstay: {measured['Mainstay']:.3g}", file=sys.stderr)
        except Exception as error:  # whatever a peer raises, the others are measured
            print(f"  {engine.__name__}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    return measured


def measure_scores(case: Case) -> dict[str, float]:
    """Nanoseconds a row and tree."""
    ours = timings(case.arguments, "score", case.model, case.write_rows(case.rows, "rows.parquet"))
    return measure(SCORERS, case, ours, unit=1e-9 * TREES)


def measure_contributions(case: Case) -> dict[str, float]:
    """Microseconds a row."""
    some = case.rows[: EXPLAINED["mainstay"] // case.arguments.scale]
    ours = timings(case.arguments, "explain", case.model, case.write_rows(some, "explained.parquet"))
    return measure(EXPLAINERS, case, ours, unit=1e-6)


def measure_file(case: Case) -> dict[str, float]:
    """Seconds of `mainstay score` on a file, on one core, and of reading and writing the same columns."""
    values = rows(FILE_ROWS // case.arguments.scale, case.features, seed=3).astype(np.float64)
    path = case.write_rows(values, "million.parquet")
    ours = timings(case.arguments, "file", case.model, path, 1)
    copy = lambda: pq.write_table(pq.read_table(path, use_threads=False), case.work / "million.copied.parquet")
    return {
        "rows": len(values),
        "mainstay score": ours["score_seconds"],
        "reading and writing, Rust parquet": ours["copy_seconds"],
        f"reading and writing, pyarrow {pa.__version__}": least_seconds(copy),
    }


def processor() -> str:
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return model[0] if model else platform.processor()


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def engines_table(title: str, unit: str, measured: dict[str, dict[str, float]]) -> str:
    """Engines down, cases across; beside each figure how many times Mainstay is faster."""
    engines = list(dict.fromkeys(name for of_case in measured.values() for name in of_case))
    engines.sort(key=lambda name: min(of_case[name] for of_case in measured.values() if name in of_case))

    def cell(of_case: dict[str, float], name: str) -> str:
        if name not in of_case:
            return "–"
        times = of_case[name] / of_case["Mainstay"]
        figure = f"{of_case[name]:.2f}" if of_case[name] < 100 else f"{of_case[name]:,.0f}"
        return f"**{figure}**" if name == "Mainstay" else f"{figure} ({times:.1f}×)"

    body = [[name, *(cell(of_case, name) for of_case in measured.values())] for name in engines]
    return f"## {title}\n\n{unit}; in brackets how many times Mainstay is faster.\n\n{table(['engine', *measured], body)}\n"


def report(scores, contributions, file: dict[str, float], sets: list[str], arguments: argparse.Namespace) -> str:
    count = file.pop("rows")
    ours = file["mainstay score"]
    ratios = [[name, f"{seconds:.2f}", f"{ours / seconds:.2f}"] for name, seconds in file.items()]
    quick = "\n**A quick run: the figures mean little.**\n" if arguments.scale > 1 else ""
    return f"""# Speed of tree ensembles

Written by `benches/ensembles/run`; see `benches/README.md`.
{quick}
{TREES} trees, {MISSING_SHARE:.0%} of the values missing, one thread on one core of {processor()}; the fastest of {REPEATS} runs, peers from
PyPI in the same run, Python {platform.python_version()}. An engine that is not listed did not install, or does not take the model.
Mainstay scores with {sets[0]} and explains with {sets[1]}, as its self-tests chose on this machine; its other instruction sets are
listed by their names.

{engines_table("Scoring", "Nanoseconds a row and tree, rows in memory", scores)}
{engines_table("Exact contributions", "Microseconds a row for all features, path dependent", contributions)}
## A file

`mainstay score` adds probability and raw score to a Parquet file of {count:,} rows and 40 features in double precision, on one core.

{table(["", "seconds", "mainstay score takes, as a share"], ratios)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timings", type=Path, required=True, help="the program of Mainstay that measures itself")
    parser.add_argument("--lleaves", type=Path, default="python3", help="a Python that has lleaves")
    parser.add_argument("--work", type=Path, required=True, help="folder for models and rows, which are kept")
    default = Path(__file__).resolve().parents[2] / "docs" / "speed-of-ensembles.md"
    parser.add_argument("--output", type=Path, default=default, help="the table to write")
    parser.add_argument("--quick", dest="scale", action="store_const", const=10, default=1, help="a tenth of the rows")
    arguments = parser.parse_args()

    cases = [Case(library, features, arguments) for library in ("xgboost", "lightgbm") for features in (40, 100)]
    # One core for everything that follows, also for the programs that are started.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    scores, contributions = {}, {}
    for case in cases:
        print(case.title, file=sys.stderr)
        scores[case.title] = measure_scores(case)
        contributions[case.title] = measure_contributions(case)
    file = measure_file(cases[0])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(report(scores, contributions, file, cases[0].chosen, arguments))
    print(arguments.output.read_text())


if __name__ == "__main__":
    main()

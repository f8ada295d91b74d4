"""Times the daily job of Mainstay and the same day on a stack of other software, and writes a table."""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import xgboost

HERE = Path(__file__).resolve().parent
PROJECT = HERE / "project"
START, TRAINING_CUSTOMERS, TREES, DEPTH = "2024-01-01", 4_000, 500, 6
REPEATS = 3
UNEXPLAINED, EXPLAINED = "Mainstay, no reasons", "Mainstay, top 3 reasons"
PEERS_UNEXPLAINED = "peers, no reasons"


def ended(command: list, log: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of a command that must succeed."""
    with log.open("w") as out:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{command}: see {log}\n{log.read_text()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


class Bench:
    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.work = arguments.work
        self.reference = HERE.parents[1]
        self.work.mkdir(parents=True, exist_ok=True)
        self.data = self.work / f"data-{arguments.customers}-{arguments.days}"
        self.model = self.work / f"peer-{arguments.customers}.ubj"
        self.date = str(np.datetime64(START) + np.timedelta64(arguments.days, "D"))

    def mainstay(self, lake: Path, data: Path, *command, project: Path = PROJECT) -> list:
        vars = f"{{data: {data}, lake: {lake}}}"
        return [self.arguments.mainstay, "--project-dir", project, "--vars", vars, *command]

    def project_without_reasons(self) -> Path:
        """The project whose day explains no score, and is the same otherwise."""
        project = self.work / "project-without-reasons"
        (project / "jobs").mkdir(parents=True, exist_ok=True)
        settings = {"name": "daily_benchmark_without_reasons", "extends": str(PROJECT), "time_zone": "UTC", "currency": "USD"}
        (project / "mainstay.yml").write_text(json.dumps(settings))
        job, changes = re.subn(r"(?m)^reasons: \d+", "reasons: 0", (self.reference / "jobs/daily_risk.yml").read_text())
        assert changes == 1, "jobs/daily_risk.yml has no line for its reasons"
        (project / "jobs/daily_risk.yml").write_text(job)
        return project

    def generate(self, customers: int) -> Path:
        data = self.work / f"data-{customers}-{self.arguments.days}"
        if not (self.work / f"{data.name}.done").exists():
            shutil.rmtree(data, ignore_errors=True)
            shape = ["--customers", customers, "--start", START, "--days", self.arguments.days]
            ended([self.arguments.mainstay, "generate", "--output-dir", data, *shape], self.work / "generate.log")
            (self.work / f"{data.name}.done").touch()
        return data

    def champion(self) -> Path:
        """A registry with a champion of the project, trained once on fewer customers."""
        lake = self.work / "trained"
        if not (lake / "registry").exists():
            data = self.generate(TRAINING_CUSTOMERS)
            ended(self.mainstay(lake, data, "run", "train_churn", "--date", self.date), self.work / "train.log")
        return lake / "registry"

    def peer(self, *more) -> list:
        paths = ["--project", self.reference, "--data", self.data, "--date", self.date, "--output", self.work / "peer"]
        return [sys.executable, HERE / "peer.py", *paths, *more]

    def train_peer(self):
        """A model of the same size on the features of the day; what it learns does not matter for its speed."""
        if self.model.exists():
            return
        ended(self.peer(), self.work / "peer-features.log")
        names = json.loads((self.work / "peer-features.log").read_text().splitlines()[-1])["features"]
        table = pq.read_table(self.work / "peer" / "features.parquet")
        rows = np.column_stack([table[name].to_numpy(zero_copy_only=False).astype(np.float32) for name in names])
        rows = rows[table["status"].to_numpy(zero_copy_only=False) == "eligible"][:50_000]
        draw = np.random.default_rng(1)
        odds = np.nan_to_num(rows[:, names.index("days_since_last_order")]) / 90 - 1
        label = odds + draw.logistic(size=len(rows)) > 0
        data = xgboost.DMatrix(rows, label, feature_names=names)
        parameters = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.03, "seed": 1}
        xgboost.train(parameters, data, TREES).save_model(self.model)

    def day_of_mainstay(self, project: Path) -> tuple[float, float]:
        lake = self.work / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(self.champion(), lake / "registry")
        command = ["run", "daily_risk", "--date", self.date, "--partitions", self.arguments.threads]
        return ended(self.mainstay(lake, self.data, *command, project=project), self.work / f"mainstay-{project.name}.log")

    def day_of_peer(self, reasons: str) -> tuple[float, float]:
        more = ["--model", self.model, "--reasons", reasons, "--threads", self.arguments.threads]
        return ended(self.peer(*more), self.work / f"peer-{reasons}.log")


def report(bench: Bench, measured: dict[str, list[tuple[float, float]]]) -> str:
    medians = {name: tuple(statistics.median(figure) for figure in zip(*runs)) for name, runs in measured.items()}
    (unexplained, _), (explained, _) = medians[UNEXPLAINED], medians[EXPLAINED]
    lines = []
    for name, (seconds, megabytes) in medians.items():
        alike = unexplained if name.endswith("no reasons") else explained
        lines.append(f"| {name} | {seconds:.1f} | {seconds / alike:.2f} | {megabytes:,.0f} |\n")
    runs = len(measured[EXPLAINED])
    taken = "one run of each" if runs == 1 else f"the median of {runs} runs"
    phases = json.loads((bench.work / "peer-woodelf.log").read_text().splitlines()[-1])["seconds"]
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "xgboost-cpu", "woodelf-explainer", "numpy", "pyarrow"))
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return f"""# Speed of the daily job

Written by `benches/daily/run`; see `benches/README.md`.

{bench.arguments.customers:,} customers, {bench.arguments.days} days, {bench.arguments.threads} threads of {model[0] if model else platform.processor()};
{TREES} trees of depth {DEPTH}. Whole processes from start to end, {taken} in turns. The peers run the same SQL, but for the
models of `benches/daily/duckdb`, which give the same features in a form that suits DuckDB, and write features, risks and plan; contracts
and quarantine, reconciliation, digests, certificate, ledger and Delta tables only Mainstay has.
Python {platform.python_version()}, {packages}.

| | seconds | times Mainstay with as many reasons | peak memory, MB |
|---|---:|---:|---:|
{"".join(lines)}
The peers without reasons take {medians[PEERS_UNEXPLAINED][0] / explained:.2f} times the day of Mainstay with reasons. Seconds of the peers by phase, with woodelf's reasons: {", ".join(f"{name} {seconds}" for name, seconds in phases.items())}.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mainstay", type=Path, required=True, help="the command")
    parser.add_argument("--work", type=Path, required=True, help="folder for data, models and lakes, which are kept")
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--xgboost-reasons", action="store_true", help="measure XGBoost's own contributions too, the slowest of all")
    parser.add_argument("--output", type=Path, default=HERE.parents[1] / "docs" / "speed-of-the-day.md")
    bench = Bench(parser.parse_args())
    bench.generate(bench.arguments.customers)
    bench.champion()
    bench.train_peer()
    days = {
        UNEXPLAINED: lambda: bench.day_of_mainstay(bench.project_without_reasons()),
        EXPLAINED: lambda: bench.day_of_mainstay(PROJECT),
        PEERS_UNEXPLAINED: lambda: bench.day_of_peer("none"),
        "peers, top 3 reasons by woodelf": lambda: bench.day_of_peer("woodelf"),
    }
    if bench.arguments.xgboost_reasons:
        days["peers, top 3 reasons by XGBoost"] = lambda: bench.day_of_peer("xgboost")
    measured = {name: [] for name in days}
    for _ in range(bench.arguments.repeats):
        for name, day in days.items():
            measured[name].append(day())
            seconds, megabytes = measured[name][-1]
            print(f"{name}: {seconds:.1f} s, {megabytes:,.0f} MB", file=sys.stderr)
    bench.arguments.output.parent.mkdir(parents=True, exist_ok=True)
    bench.arguments.output.write_text(report(bench, measured))
    print(bench.arguments.output.read_text())


if __name__ == "__main__":
    main()

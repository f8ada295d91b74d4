"""A generated retailer with two published days, which all peers read."""

import json
import os
import subprocess
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

ROOT = Path(__file__).resolve().parents[2]
DAYS = ["2025-07-31", "2025-08-01"]


class Project:
    def __init__(self, folder: Path):
        self.folder = folder
        self.lake = folder / "lake"
        # When the run that published a day pinned its sources.
        self.pinned: dict[str, str] = {}

    def mainstay(self, *arguments: str) -> dict:
        variables = f"data: {self.folder / 'data'}, lake: {self.lake}"
        command = [os.environ["MAINSTAY"], *arguments, "--project-dir", str(ROOT), "--vars", variables, "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run(self, day: str, *arguments: str) -> None:
        record = self.mainstay("run", "daily_risk", "--date", day, *arguments)["record"]
        self.pinned[day] = record["details"]["inputs"]["suppression_as_of"]

    def table(self, name: str) -> DeltaTable:
        return DeltaTable(str(self.lake / name))

    def sql(self, query: str, **tables: str):
        """Runs a query in DuckDB over the active Parquet files of Delta tables, given as alias=table name, and over the sources.

        DuckDB's own Delta extension is a download of its own; the snapshot's list of files comes from deltalake instead.
        """
        connection = duckdb.connect()
        for alias, name in tables.items():
            files = [uri.removeprefix("file://") for uri in self.table(name).file_uris()]
            connection.read_parquet(files, hive_partitioning=True).create_view(alias)
        for table in (self.folder / "data").glob("[!_]*"):
            connection.read_parquet(f"{table}/**/*.parquet").create_view(f"source_{table.name}")
        return connection.sql(query).fetchall()


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("peers"))
    project.mainstay(
        "generate", "--customers", "600", "--days", "600", "--seed", "7", "--output-dir", str(project.folder / "data")
    )
    for day in DAYS:
        project.run(day)
    # Replaces a day: readers must see its rows once.
    project.run(DAYS[0], "--force")
    return project

"""Random sources - types, units, zones, splits into files, endings, drift of schemas, Delta - are read as DuckDB reads the same files.

Every source is one of two: its rows are those that DuckDB finds, value by value, or it is refused with a message that names the table
and the column or file, and only for what is planted in it. `MAINSTAY_SOURCES` says how many, `MAINSTAY_SEED` which.
"""

import json
import os
import random
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

SEED = int(os.environ.get("MAINSTAY_SEED", "7"))
SOURCES = int(os.environ.get("MAINSTAY_SOURCES", "300"))
EPOCH = datetime(1970, 1, 1)
DUCKDB = duckdb.connect()
DUCKDB.execute("set timezone = 'UTC'")
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
ENDINGS = [".parquet", ".PARQUET", ".parq", ".pq", ".snappy.parquet", ".parquet.gzip", ""]
# Sources without a planted reason for a refusal are all read; of all, at least so many.
LEAST_READ = 0.75
TEXTS = ["", "a", "Zoë", "naïve café", "日本", "x" * 300, "'quoted'", "tab\there", " padded ", "null"]


@dataclass
class Kind:
    """How a declared column may stand in a file."""

    declared: str
    arrow: pa.DataType
    # Whether a project may refuse it: some of its values the declared type cannot hold, or a reader may not want to guess.
    may_refuse: bool = False


def integers(*names: str) -> list[pa.DataType]:
    return [getattr(pa, name)() for name in names]


def kinds_of(declared: str) -> list[Kind]:
    """What a column of a declared type may be in a file."""
    kind = lambda *types, may_refuse=False: [Kind(declared, arrow, may_refuse) for arrow in types]
    match declared:
        case "text":
            dictionaries = [pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.large_string())]
            return kind(pa.string(), pa.large_string(), pa.string_view(), *dictionaries)
        case "integer":
            narrow = integers("int8", "int16", "int32", "uint8", "uint16")
            return kind(*narrow) + kind(*integers("int64", "uint32"), may_refuse=True)
        case "bigint":
            return kind(*integers("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")) + kind(pa.uint64(), may_refuse=True)
        case "double":
            return kind(pa.float32(), pa.float64(), *integers("int32", "int64"))
        case "boolean":
            return kind(pa.bool_())
        case "date":
            return kind(pa.date32(), pa.date64())
        case "timestamp":
            units = ["s", "ms", "us", "ns"]
            naive = [pa.timestamp(unit) for unit in units]
            zoned = [pa.timestamp(unit, zone) for unit in units for zone in ("UTC", "Europe/Paris", "America/New_York")]
            return kind(*naive, *zoned)
        case "money":
            exact = [pa.decimal128(10, 2), pa.decimal128(9, 0), pa.decimal128(18, 2), pa.decimal128(38, 1), pa.decimal256(45, 2)]
            return kind(*exact) + kind(pa.decimal128(20, 4), pa.decimal128(30, 6), pa.float64(), may_refuse=True)
    raise ValueError(declared)


DECLARED = ["text", "integer", "bigint", "double", "boolean", "date", "timestamp", "money"]


def drawn(chance: random.Random, kind: Kind, rows: int, nullable: bool, zone: str) -> list:
    """Values that the declared type can hold, as the type in the file holds them."""
    if pa.types.is_null(kind.arrow):
        return [None] * rows
    return [None if nullable and chance.random() < 0.1 else one(chance, kind, zone) for _ in range(rows)]


def one(chance: random.Random, kind: Kind, zone: str):
    arrow = kind.arrow
    match kind.declared:
        case "text":
            return chance.choice(TEXTS) + (str(chance.randrange(50)) if chance.random() < 0.5 else "")
        case "integer" | "bigint":
            bits, signed = arrow.bit_width, pa.types.is_signed_integer(arrow)
            most = min(2 ** (bits - signed) - 1, 2**31 - 1 if kind.declared == "integer" else 2**63 - 1)
            least = max(-(2 ** (bits - 1)), -(2**31) if kind.declared == "integer" else -(2**63)) if signed else 0
            return chance.choice([least, most, 0, chance.randint(least, most), chance.randint(0, 100)])
        case "double":
            if pa.types.is_integer(arrow):
                return chance.randint(-(2**31), 2**31 - 1)
            return pa.scalar(chance.choice([0.0, -0.0, 1e30, chance.gauss(0, 1e6), chance.random()]), arrow).as_py()
        case "boolean":
            return chance.random() < 0.5
        case "date":
            return date(1900, 1, 1) + timedelta(days=chance.randrange(60_000))
        case "timestamp":
            return moment(chance, arrow, zone)
        case "money":
            cents = chance.choice([0, 1, -1, 10**8 - 1, chance.randrange(-(10**7), 10**7)])
            if pa.types.is_floating(arrow):
                return cents / 100
            if arrow.scale < 2:
                cents -= cents % 10 ** (2 - arrow.scale)
            return Decimal(cents).scaleb(-2)


def moment(chance: random.Random, arrow: pa.TimestampType, zone: str) -> int:
    """A count of units since 1970. A wall-clock time is one that its zone has once."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[arrow.unit]
    while True:
        seconds = chance.randrange(-2_000_000_000, 4_000_000_000)
        fraction = chance.randrange(per_second) if per_second > 1 else 0
        if arrow.unit == "ns":
            fraction -= fraction % 1000
        if arrow.tz or has_once(EPOCH + timedelta(seconds=seconds), zone):
            return seconds * per_second + fraction


def has_once(local: datetime, zone: str) -> bool:
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    back = first.astimezone(timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    # Before there were zones, local times had offsets of seconds, which libraries round.
    return first.utcoffset() == second.utcoffset() and back == local and first.utcoffset().total_seconds() % 60 == 0


@dataclass
class Column:
    name: str
    declared: str
    nullable: bool
    former: list[str] = field(default_factory=list)


@dataclass
class Source:
    """A source as it was written: where, how its columns are declared, and what DuckDB is to read."""

    folder: Path
    columns: list[Column]
    zone: str
    # Path of a file, and the name in it of each column; a column that it lacks is not there.
    files: list[tuple[Path, dict[str, str]]] = field(default_factory=list)
    # Why it may be refused, and why it must be.
    may_refuse: set[str] = field(default_factory=set)
    must_refuse: set[str] = field(default_factory=set)
    hive: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data" / "rows"

    def project(self) -> str:
        lines = [
            "name: random\ntime_zone: UTC\ncurrency: USD\nconsent_default: allow\ndefault_target: local",
            "targets: {local: {path: lake}}\nsources:\n  - name: shop\n    path: data\n    tables:\n      - name: rows\n        path: rows",
            "        event_time: at\n        key: [row_id]",
            *(f"        {key}" for key in self.keys),
            "        columns:",
        ]
        for column in self.columns:
            former = f", renamed_from: {json.dumps(column.former)}" if column.former else ""
            nullable = "" if column.nullable else ", nullable: false"
            lines.append(f"          - {{name: {column.name}, type: {column.declared}{nullable}{former}}}")
        return "\n".join(lines) + "\n"


def generate(number: int, root: Path) -> Source:
    """A random source; the same number and seed give the same one."""
    chance = random.Random(f"{SEED}/{number}")
    columns = [Column("row_id", "text", False), Column("at", "timestamp", False)]
    for position in range(chance.randint(1, 7)):
        former = [f"old_{position}", f"older_{position}"] if chance.random() < 0.25 else []
        columns.append(Column(f"c{position}", chance.choice(DECLARED), chance.random() < 0.8, former))
    source = Source(root / f"s{number:03}", columns, zone_of(chance))
    if source.zone != "UTC":
        source.keys.append(f"time_zone: {source.zone}")
    source.data.mkdir(parents=True)
    (delta if chance.random() < 0.15 else parquet)(chance, source)
    if chance.random() < 0.5:
        beside(chance, source)
    if source.must_refuse == set() and chance.random() < 0.2:
        spoil(chance, source)
    (source.folder / "mainstay.yml").write_text(source.project())
    staging = source.folder / "sql" / "staging"
    staging.mkdir(parents=True)
    (staging / "stg_rows.sql").write_text("select * from {{ source('shop', 'rows') }}\n")
    return source


def zone_of(chance: random.Random) -> str:
    """The zone of wall-clock times."""
    return chance.choice(ZONES)


def batch(chance: random.Random, source: Source, columns: list[Column], kinds: dict[str, Kind], first: int, rows: int) -> pa.Table:
    arrays, names = [], []
    for column in columns:
        kind = kinds[column.name]
        if column.name == "row_id":
            values = [f"r{first + row}" for row in range(rows)]
        else:
            values = drawn(chance, kind, rows, column.nullable, source.zone)
        arrays.append(array(values, kind.arrow))
        names.append(column.name)
    return pa.table(arrays, names=names)


def array(values: list, arrow: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(arrow):
        return pa.array(values, pa.int64()).cast(arrow)
    if pa.types.is_dictionary(arrow):
        return pa.array(values, arrow.value_type).dictionary_encode().cast(arrow)
    if pa.types.is_null(arrow):
        return pa.nulls(len(values))
    return pa.array(values, arrow)


def parquet(chance: random.Random, source: Source) -> None:
    """A folder of files whose schemas drift."""
    base = {column.name: chance.choice(kinds_of(column.declared)) for column in source.columns}
    files, first = chance.randint(1, 6), 0
    partition = chance.choice([None, None, None, "day", "_part"])
    for part in range(files):
        rows = chance.choice([0, 1, 7, 40, 120])
        kinds, names, present = dict(base), {}, []
        for column in source.columns:
            lacks = column.nullable and part > 0 and chance.random() < 0.15
            if lacks:
                continue
            if chance.random() < 0.15:
                kinds[column.name] = chance.choice(kinds_of(column.declared))
            if column.nullable and chance.random() < 0.05:
                kinds[column.name] = Kind(column.declared, pa.null(), may_refuse=True)
            if kinds[column.name].may_refuse:
                source.may_refuse.add(column.name)
            present.append(column)
            names[column.name] = chance.choice([column.name, column.name, *column.former])
        table = batch(chance, source, present, kinds, first, rows)
        table = table.rename_columns([names[name] for name in table.column_names])
        if chance.random() < 0.3:
            table = table.append_column(f"extra_{part}", pa.array(range(rows), pa.int64()))
        order = list(table.column_names)
        chance.shuffle(order)
        folder = source.data / f"{partition}={part % 3}" if partition else source.data
        folder.mkdir(exist_ok=True)
        ending = chance.choice(ENDINGS)
        stem = f"00000{part}_0" if ending == "" else f"part-{part}"
        path = folder / (stem + ending)
        compression = "gzip" if ending.endswith("gzip") else chance.choice(["snappy", "zstd", "none"])
        pq.write_table(table.select(order), path, row_group_size=chance.choice([3, 50, 1000]), compression=compression,
                       store_schema=chance.random() < 0.7, write_statistics=chance.random() < 0.8,
                       version=chance.choice(["2.4", "2.6"]))
        source.files.append((path, names))
        first += rows


def delta(chance: random.Random, source: Source) -> None:
    """A Delta table after a few commits, some of which take rows away again."""
    plain = lambda declared: [kind for kind in kinds_of(declared) if not kind.may_refuse and not unsuited(kind.arrow)]
    kinds = {column.name: chance.choice(plain(column.declared)) for column in source.columns}
    partition = next((c.name for c in source.columns if c.declared in ("text", "integer", "date") and c.name != "row_id"), None)
    if partition and chance.random() < 0.5:
        source.hive = {partition: ""}
    for column in source.columns:
        column.former = []
    options = {"partition_by": [partition]} if source.hive else {}
    first = 0
    for commit in range(chance.randint(1, 4)):
        rows = chance.choice([1, 7, 40])
        table = batch(chance, source, source.columns, kinds, first, rows)
        if source.hive:
            # The name of a folder has at most 255 bytes.
            short = lambda value: value[:20] if isinstance(value, str) else value
            few = [short(value) for value in table.column(partition).slice(0, 2).to_pylist()]
            values = pa.array([few[row % len(few)] or None for row in range(rows)], kinds[partition].arrow)
            table = table.set_column(table.column_names.index(partition), partition, values)
            if not next(c for c in source.columns if c.name == partition).nullable:
                known = next((value for value in few if value), "x" if kinds[partition].declared == "text" else None)
                values = pa.array([known or short(one(chance, kinds[partition], "UTC"))] * rows, kinds[partition].arrow)
                table = table.set_column(table.column_names.index(partition), partition, values)
        mode = "overwrite" if commit > 0 and chance.random() < 0.4 else "append"
        write_deltalake(source.data, table, mode=mode, **options)
        first += rows
    if chance.random() < 0.5:
        DeltaTable(source.data).delete(f"row_id = 'r{first - 1}'")
    if chance.random() < 0.3:
        source.keys.append("format: delta")
    names = {column.name: column.name for column in source.columns}
    uris = DeltaTable(source.data).file_uris()
    source.files = [(Path(unquote(uri.removeprefix("file://"))) if not Path(uri).exists() else Path(uri), names) for uri in uris]


def unsuited(arrow: pa.DataType) -> bool:
    """What Delta has no type for, or another one."""
    is_zoned = pa.types.is_timestamp(arrow) and arrow.tz not in (None, "UTC")
    return is_zoned or pa.types.is_unsigned_integer(arrow) or pa.types.is_dictionary(arrow) or pa.types.is_date64(arrow) or pa.types.is_decimal256(arrow)


def beside(chance: random.Random, source: Source) -> None:
    """What writers and people leave beside data."""
    for name, content in [("_SUCCESS", ""), (".part-0.parquet.crc", "crc"), ("_committed_1", "{}"), ("day=9_$folder$", ""),
                          ("notes.txt", "read me"), ("_temporary/0/half.parquet", "PAR1")]:
        if chance.random() < 0.4:
            (source.data / name).parent.mkdir(parents=True, exist_ok=True)
            (source.data / name).write_text(content)


def spoil(chance: random.Random, source: Source) -> None:
    """Something that must be refused by name, or is set aside where the table says so."""
    if not source.files or (source.data / "_delta_log").exists():
        return
    what = chance.choice(["truncated", "csv", "ending", "type", "aside"])
    path = source.data / "zz-bad.parquet"
    match what:
        case "truncated" | "aside":
            whole = source.files[0][0].read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
        case "csv":
            path.write_text("row_id,at\nr1,2025-01-01\n")
        case "ending":
            path = source.data / "zz-bad.parquet.bak"
            path.write_bytes(source.files[0][0].read_bytes())
        case "type":
            bad = pa.table({"row_id": pa.array([[1]], pa.list_(pa.int64())), "at": pa.array([[1]], pa.list_(pa.int64()))})
            pq.write_table(bad, path)
    if what == "aside":
        source.keys.append("bad_files: quarantine")
    else:
        source.must_refuse.add(path.name)


SHOWN = {"text": "varchar", "integer": "hugeint", "bigint": "hugeint", "double": "double", "boolean": "boolean", "date": "date",
         "timestamp": "bigint", "money": "decimal(38, 6)"}


def cell(column: Column, name: str | None, is_naive: bool) -> str:
    """A column of a file in DuckDB, in a type that shows every value."""
    shown = SHOWN[column.declared]
    if name is None:
        return f"cast(null as {shown})"
    if column.declared == "timestamp":
        return f'epoch_us(cast("{name}" as {"timestamp" if is_naive else "timestamptz"}))'
    if column.declared == "money":
        return f'cast(round("{name}", 6) as {shown})'
    return f'cast("{name}" as {shown})'


def expected(source: Source, aside: set[str]) -> dict[str, tuple]:
    """Rows by id, as DuckDB reads the files but those that are set aside."""
    selects, naive = [], []
    hive = "true" if source.hive else "false"
    files = [(path, names) for path, names in source.files if path.name not in aside]
    for number, (path, names) in enumerate(files):
        schema = pq.read_schema(path)
        naive.append([is_naive(path, names.get(column.name)) for column in source.columns])
        columns = []
        for column, is_local in zip(source.columns, naive[-1]):
            name = names.get(column.name)
            if column.name in source.hive:
                columns.append(hive_cell(column))
            elif name is None or pa.types.is_null(schema.field(name).type):
                columns.append(cell(column, None, False))
            else:
                columns.append(cell(column, name, is_local))
        quoted = str(path).replace("'", "''")
        read = f"read_parquet('{quoted}', hive_partitioning = {hive}, hive_types_autocast = false)"
        selects.append(f"select {', '.join(columns)}, {number} from {read}")
    rows = {}
    for *values, number in DUCKDB.sql(" union all ".join(selects)).fetchall() if selects else []:
        for position, column in enumerate(source.columns):
            if column.declared == "timestamp" and values[position] is not None and naive[number][position]:
                values[position] = instant(values[position], source.zone)
        rows[values[0]] = tuple(canonical(column, value) for column, value in zip(source.columns, values))
    return rows


def hive_cell(column: Column) -> str:
    cast = {"integer": "hugeint", "text": "varchar", "date": "date"}[column.declared]
    return f"cast(nullif(\"{column.name}\", '__HIVE_DEFAULT_PARTITION__') as {cast})"


def is_naive(path: Path, name: str | None) -> bool:
    if name is None:
        return False
    metadata = pq.ParquetFile(path).schema
    column = next((metadata.column(i) for i in range(len(metadata.names)) if metadata.column(i).name == name), None)
    logical = json.loads(column.logical_type.to_json()) if column is not None else {}
    return logical.get("Type") == "Timestamp" and not logical.get("isAdjustedToUTC")


def instant(microseconds: int, zone: str) -> int:
    local = EPOCH + timedelta(microseconds=microseconds)
    offset = local.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    return microseconds - int(offset / timedelta(microseconds=1))


def canonical(column: Column, value):
    if value is None:
        return None
    match column.declared:
        case "money":
            return Decimal(value).quantize(Decimal("0.000001"))
        case "double":
            return float(value)
        case "integer" | "bigint":
            return int(value)
    return value


def found(source: Source) -> dict[str, tuple]:
    """Rows by id, as Mainstay shows them to a model."""
    table = pq.read_table(source.folder / "rows.parquet")
    columns = []
    for column in source.columns:
        values = table.column(column.name)
        if pa.types.is_timestamp(values.type):
            assert values.type == pa.timestamp("us", "UTC"), values.type
            values = values.cast(pa.int64())
        columns.append([canonical(column, value) for value in values.to_pylist()])
    return {row[0]: row for row in zip(*columns)}


def in_quarantine(source: Source) -> set[str]:
    lines = (source.folder / "refused.jsonl").read_text().splitlines()
    return {json.loads(line)["row_id"] for line in lines}


def judge(source: Source) -> str:
    """What became of a source; fails where it is neither equal nor refused for what is in it."""
    error = source.folder / "error.txt"
    if error.exists():
        message = error.read_text()
        assert "shop.rows" in message, message
        if source.must_refuse:
            assert any(name in message for name in source.must_refuse) or named(source, message), message
            return "refused: " + next(iter(source.must_refuse))
        assert named(source, message), f"refused without a reason:\n{source.project()}{message}"
        return "refused: a type"
    assert not source.must_refuse, f"{source.must_refuse} was read"
    set_aside = {path.rsplit("/", 1)[-1]: reason for path, reason in json.loads((source.folder / "aside.json").read_text())}
    assert not set_aside or "bad_files: quarantine" in source.keys
    for name, reason in set_aside.items():
        assert name == "zz-bad.parquet" or named(source, reason), f"set aside without a reason: {name}, {reason}"
    want, have = expected(source, set(set_aside)), found(source)
    aside = in_quarantine(source)
    assert not set(have) - set(want), f"rows that DuckDB does not find: {sorted(set(have) - set(want))[:5]}"
    assert set(want) - set(have) <= aside, f"rows that are gone: {sorted(set(want) - set(have) - aside)[:5]}"
    assert not aside, f"rows in the quarantine that keep the contract: {sorted(aside)[:5]}"
    for row, values in have.items():
        for column, here, there in zip(source.columns, values, want[row]):
            assert here == there, f"{row}, {column}: {here!r}, by DuckDB {there!r}\n{source.project()}"
    return "equal"


def named(source: Source, message: str) -> bool:
    """Whether a refusal names a column that may be refused."""
    former = {former: column.name for column in source.columns for former in column.former}
    words = set(message.replace("`", " ").replace(",", " ").split())
    return any(former.get(word, word) in source.may_refuse for word in words)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[Source]:
    root = tmp_path_factory.mktemp("sources")
    generated = [generate(number, root) for number in range(SOURCES)]
    command = [os.environ["MAINSTAY"], "source-rows"]
    parts = [generated[start::2] for start in range(2)]
    read = lambda part: subprocess.run([*command, *(str(source.folder) for source in part)], capture_output=True, text=True, check=False)
    with ThreadPoolExecutor() as pool:
        for done in pool.map(read, parts):
            assert done.returncode == 0, done.stderr
    return generated


def test_sources_are_read_as_duckdb_reads_them_or_refused_by_name(sources, capsys):
    outcomes, faults = Counter(), []
    for source in sources:
        try:
            outcomes[judge(source)] += 1
        except AssertionError as error:
            faults.append(f"{source.folder.name}: {error}")
    with capsys.disabled():
        print(f"\nseed {SEED}: " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    assert not faults, f"{len(faults)} of {len(sources)} sources:\n" + "\n".join(faults[:10])
    assert outcomes["equal"] >= LEAST_READ * len(sources)

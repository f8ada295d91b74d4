"""Mainstay's allocator beside HiGHS, OR-Tools and a numpy greedy, on one thread; writes docs/speed-of-allocation.md."""

import argparse
import json
import math
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import peers

DOCS = Path(__file__).resolve().parents[2] / "docs" / "speed-of-allocation.md"


def mainstay(timings: Path, customers: int, kinds: int, rules: str, runs: int = 3, folder: Path | None = None) -> dict:
    """The fastest of some runs."""
    command = [str(timings), str(customers), str(kinds), rules, *([str(folder)] if folder else [])]
    done = [json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(runs)]
    return min(done, key=lambda each: each["seconds"])


def row(*cells) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(header: list[str], rows: list[list]) -> str:
    aligned = ["---", *["---:" for _ in header[1:]]]
    return "\n".join([row(*header), row(*aligned), *(row(*cells) for cells in rows)])


def seconds(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.3g}"


def scale(arguments) -> str:
    rows = []
    for customers in arguments.sizes:
        for rules, name in [("budget", "a budget"), ("rules", "a budget and 8 rules")]:
            done = mainstay(arguments.timings, customers, 6, rules, runs=1 if customers >= 10_000_000 else 3)
            offers = customers * 6
            rows.append([
                f"{customers:,} x 6, {name}",
                seconds(done["seconds"]),
                f"{done['gap']:.1e}",
                f"{done['bytes_per_offer']:.1f}" if customers >= 1_000_000 else "",
                f"{1e9 * done['seconds'] / offers:.0f}",
                f"{1e9 * done['seconds'] / (offers * math.log2(offers)):.1f}",
            ])
    each = ["ns an offer", "ns / (n log2 n)"]
    return table(["customers x offers", "seconds", "gap", "bytes an offer, at the peak", *each], rows)


def beside(arguments, customers: int, kinds: int, rules: str) -> list[list]:
    folder = arguments.work / f"{customers}-{kinds}-{rules}"
    folder.mkdir(parents=True, exist_ok=True)
    done = mainstay(arguments.timings, customers, kinds, rules, folder=folder)
    name = f"{customers:,} x {kinds}, {'a budget' if rules == 'budget' else 'a budget and 8 rules'}"
    rows = [[name, "Mainstay", seconds(done["seconds"]), f"{done['value']:,}", f"{done['gap']:.1e}", ""]]
    for peer in peers.ALL:
        answer = peers.ask(peer, folder, kinds, done["rules"], arguments.time_limit)
        if answer is None:
            continue
        value = f"{answer.value:,.0f}" if answer.value is not None else "none"
        assert answer.value is None or answer.value <= done["upper_bound"] + 0.5, "a peer is above the bound"
        times = answer.seconds / done["seconds"]
        rows.append([name, answer.name, seconds(answer.seconds), value, answer.gap, f"{times:.0f}" if times >= 10 else f"{times:.1f}"])
    return rows


def beside_baseline_policy(arguments) -> str:
    """The baseline policy that people write down first, and the optimum for the same money."""
    customers, kinds = (10_000 if arguments.quick else 1_000_000), 6
    folder = arguments.work / f"{customers}-{kinds}-tiers"
    folder.mkdir(parents=True, exist_ok=True)
    mainstay(arguments.timings, customers, kinds, "budget", runs=1, folder=folder)
    tiers = peers.BaselinePolicy.read(folder, kinds)
    rows = []
    for name, budget in [("the budget above", customers * 100), ("what the tiers cost", tiers.total_cost)]:
        spent, gained = tiers.within(budget)
        optimum = mainstay(arguments.timings, customers, kinds, str(spent), runs=1)
        rows.append([
            f"{customers:,} x {kinds}, {name}", *(f"{cents / 100:,.2f}" for cents in [spent, gained, optimum["value"]]), f"{optimum['value'] / gained:.2f}",
        ])
    header = ["instance", "spent by either", "gained by fixed tiers", "by the plan", "times"]
    return table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--timings", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that everything works, writes nothing")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for one answer of a peer")
    arguments = parser.parse_args()
    arguments.sizes = [10_000, 100_000] if arguments.quick else [10_000, 100_000, 1_000_000, 10_000_000]
    scaled = scale(arguments)
    instances = [(1_000, 4, "rules")] if arguments.quick else [(10_000, 4, "budget"), (10_000, 4, "rules"), (100_000, 6, "budget")]
    compared = [cells for instance in instances for cells in beside(arguments, *instance)]
    tiers = beside_baseline_policy(arguments)
    header = ["instance", "solver", "seconds", "value in cents", "gap", "times as long"]
    versions = ", ".join(f"{name} {version(name)}" for name in ["highspy", "ortools", "numpy"])
    document = (
        "# Speed of allocation\n\n"
        "Written by `benches/allocation/run`: one run on one machine, one thread each. Populations come from a fixed seed. What is\n"
        "timed is the answer with its proof, from offers in memory; bytes are the most that the process held, offers included.\n\n"
        f"{scaled}\n\n"
        "The same instances solved by others. Every value lies below the bound that the certificate proves. A gap of HiGHS and\n"
        "OR-Tools is the one that they were asked for, or the one that they reached in the time that they had.\n\n"
        f"{table(header, compared)}\n\n"
        "Fixed tiers give everybody with a risk of at least 0.8 the call (50.00), from 0.5 the discount (10.00) and below that the mail\n"
        "(0.50), the riskiest first until the money is spent; the plan is the allocator's under a budget of the same money. Money is in\n"
        "the currency.\n\n"
        f"{tiers}\n\n"
        f"{versions}, Python {platform.python_version()}, {platform.machine()}.\n"
    )
    if not arguments.quick:
        DOCS.parent.mkdir(exist_ok=True)
        DOCS.write_text(document)
    print(document)


if __name__ == "__main__":
    main()

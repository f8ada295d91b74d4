"""How everything here is timed."""

import time

REPEATS = 5


def least_seconds(work) -> float:
    """Of the fastest of some runs after one that warms up, which counts alone where it takes long."""
    seconds = []
    while len(seconds) < 1 + REPEATS and sum(seconds) < 60:
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:] or seconds)

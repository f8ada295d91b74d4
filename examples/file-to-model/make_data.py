"""Writes past.parquet and today.parquet: invented customers of a coffee subscription. Needs pyarrow."""

import datetime
import math
import random

import pyarrow as pa
import pyarrow.parquet as pq

draw = random.Random(20240101)


def customer(number, decided_on):
    """One customer on one day: what is known of them, and whether they left within the 60 days that followed."""
    last_order = min(int(draw.expovariate(1 / 35)), 300)
    orders = max(0, int(draw.gauss(6, 3)) - last_order // 30)
    complaints = int(draw.random() < 0.2) + int(draw.random() < 0.05)
    plan = draw.choice(["weekly", "monthly", "on demand"])
    leaning = -2.6 + last_order / 35 - orders / 6 + 0.8 * complaints + (0.7 if plan == "on demand" else 0.0)
    return {
        "customer_id": f"K{number:05}",
        "decided_on": decided_on,
        "days_since_last_order": last_order,
        "orders_180d": orders,
        "average_order_value": round(draw.gauss(38, 9), 2),
        "complaints_90d": complaints,
        "plan": plan,
        "churned": draw.random() < 1 / (1 + math.exp(-leaning)),
    }


def write(name, rows):
    pq.write_table(pa.Table.from_pylist(rows), name, compression="zstd")


months = [datetime.date(2025, month, 1) for month in range(1, 11)]
write("past.parquet", [customer(number, month) for month in months for number in draw.sample(range(800), 300)])
today = [customer(number, datetime.date(2026, 1, 5)) for number in range(800)]
write("today.parquet", [{key: value for key, value in row.items() if key != "churned"} for row in today])

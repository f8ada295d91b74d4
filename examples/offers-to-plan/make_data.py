"""Writes offers.parquet: up to three offers for each of 400 invented customers, those worth more than they cost. Needs pyarrow."""

import random

import pyarrow as pa
import pyarrow.parquet as pq

draw = random.Random(20240102)

# Name, channel, cost in cents, and the share of the value at risk that it is expected to save.
OFFERS = [("call", "phone", 2500, 0.35), ("voucher", "email", 1000, 0.18), ("letter", "post", 180, 0.06)]

rows = []
for number in range(400):
    at_risk_cents = int(draw.lognormvariate(8.8, 0.8))
    region = draw.choice(["north", "south", "south", "west"])
    wants_no_contact = draw.random() < 0.08
    for offer, channel, cost_cents, effect in OFFERS:
        value_cents = int(at_risk_cents * effect * draw.uniform(0.7, 1.3)) - cost_cents
        if value_cents > 0:
            rows.append(
                {
                    "customer_id": f"K{number:05}",
                    "offer": offer,
                    "channel": channel,
                    "value_cents": value_cents,
                    "cost_cents": cost_cents,
                    "region": region,
                    "blocked_by": wants_no_contact,
                }
            )
pq.write_table(pa.Table.from_pylist(rows), "offers.parquet", compression="zstd")

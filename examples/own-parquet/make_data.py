"""Writes export/clients.parquet and export/sales.parquet: an invented coffee shop with a loyalty card. Needs pyarrow."""

import datetime
import decimal
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq

draw = random.Random(20240103)
FIRST, LAST = datetime.date(2024, 1, 1), datetime.date(2025, 10, 31)

clients, sales = [], []
for number in range(1, 241):
    client_no = 10_000 + number
    created = FIRST + datetime.timedelta(days=int(668 * draw.random() ** 1.3))
    city = draw.choice(["Paris", "Lyon", "Lille", None])
    clients.append({"client_no": client_no, "created": created, "city": city, "mail": f"client{number}@example.org"})
    gap_days = draw.uniform(5, 22)
    basket = draw.uniform(8, 45)
    # Two of three stop coming at some time; the last visits before that lie further apart.
    stays_days = draw.choice([10_000, draw.expovariate(1 / 240), draw.expovariate(1 / 240)])
    day = created
    while day <= LAST and (day - created).days < stays_days:
        opening = datetime.datetime.combine(day, datetime.time(8)) + datetime.timedelta(minutes=draw.randrange(660))
        amount = decimal.Decimal(round(100 * max(basket * draw.uniform(0.4, 1.6), 2))).scaleb(-2)
        is_refund = draw.random() < 0.02
        sales.append({"sold_at": opening, "client_no": client_no, "kind": "refund" if is_refund else "sale", "total": amount})
        fading = 2.5 if stays_days - (day - created).days < 75 else 1.0
        day += datetime.timedelta(days=max(1, round(gap_days * fading * draw.uniform(0.4, 1.8))))

sales.sort(key=lambda sale: sale["sold_at"])
for receipt, sale in enumerate(sales, start=1):
    sale["receipt_no"] = receipt

os.makedirs("export", exist_ok=True)
for name, rows in [("clients", clients), ("sales", sales)]:
    pq.write_table(pa.Table.from_pylist(rows), f"export/{name}.parquet", compression="zstd")
print(len(clients), "clients,", len(sales), "sales")

"""Rows of sources as tests write them: what a KPI is counted in, on one line each."""

import pandas as pd


def frame(columns, *rows):
    made = pd.DataFrame(rows, columns=columns.split())
    return made.assign(ts=pd.to_datetime(made["ts"], format="ISO8601")) if "ts" in made else made


def events(*rows):
    return {"events": frame("customer_id ts event", *rows)}


def lines(*rows):
    return {
        "order_lines": frame(
            "customer_id order_id ts product_id quantity unit_price category", *rows
        )
    }


def only(found):
    (row,) = found.to_dict("records")
    return row

"""A workspace in which every row of one region carries a word that nobody of another region may see."""

import pandas as pd

CANARY = "canary4711"


def plant(example):
    """Mark all that belongs to customers of the south: their events, orders, cases, answers and whatever else."""
    tables = example / "tables"
    events = pd.read_parquet(tables / "events.parquet")
    south = set(events.loc[events["region"] == "south", "customer"])
    is_south = events["customer"].isin(south)
    events.loc[is_south, "channel"] = f"{CANARY} channel"
    events.loc[is_south & (events.index % 7 == 0), "what"] = f"{CANARY} event"
    events["customer"] = _marked(events["customer"], south)
    events.to_parquet(tables / "events.parquet")
    for name in ("tickets", "usage"):
        found = pd.read_parquet(tables / f"{name}.parquet")
        theirs = found["customer"].isin(south)
        for column in {"agent", "issue"} & set(found.columns):
            found.loc[theirs, column] = f"{CANARY} {column}"
        found["customer"] = _marked(found["customer"], south)
        found.to_parquet(tables / f"{name}.parquet")
    for name in ("order_lines", "answers", "contacts", "trial", "scores"):
        separator = ";" if name == "order_lines" else ","
        found = pd.read_csv(tables / f"{name}.csv", sep=separator, dtype=str)
        theirs = found["customer"].isin(south)
        for column in {"product", "group", "made_by", "rests_on"} & set(found.columns):
            found.loc[theirs, column] = f"{CANARY}_{column}"
        found["customer"] = _marked(found["customer"], south)
        found.to_csv(tables / f"{name}.csv", sep=separator, index=False)
    for name in ("invitations", "behaviour"):
        found = pd.read_csv(tables / f"{name}.csv", dtype=str)
        column = "how" if name == "invitations" else "measure"
        found[column] = f"{CANARY} " + found[column]
        found.to_csv(tables / f"{name}.csv", index=False)
    return south


def _marked(customers, south):
    return customers.where(~customers.isin(south), CANARY + customers)

"""Personal data at the door: ids become pseudonyms, names, mail addresses and phone numbers are refused.

A pseudonym is the HMAC-SHA256 of a value under a key that stands in the environment, never in the
workspace. The same key gives the same pseudonym in every source, so that sources still meet; without
the key nobody can compute whose it is.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Collection, Mapping
from typing import cast

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.mapping import SourceMapping

KEY = "JOURNEY_PSEUDONYM_KEY"
"""Environment variable that holds the key."""
LEAST_KEY = 32
"""Characters a key needs at least; 32 hexadecimal digits are 128 bits."""
DIGITS = 20
"""Hexadecimal digits of a pseudonym: 80 bits, so that among 10 million customers two share one with
a chance of 1 in 20 billion."""
MAIL = r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[A-Za-z]{2,}"
PHONE = r"^(\+\d[\d ()/.-]{6,18}\d|\(0?\d{2,5}\)[ ]?[\d /-]{4,}|0\d{2,5}[ /]\d[\d -]{3,}\d|\d{3}-\d{3}-\d{4})$"
"""A phone number as people write it: with country code, brackets, or an area code set apart."""
NAMED_PERSONAL = frozenset(
    {
        "name", "first_name", "last_name", "given_name", "family_name", "surname", "full_name",
        "customer_name", "contact_name", "person", "email", "e_mail", "mail", "email_address", "phone",
        "phone_number", "telephone", "mobile", "street", "address", "postal_address", "iban", "birthday",
        "birth_date", "date_of_birth",
    }
)  # fmt: skip
"""Column names that say that a column holds personal data."""


def key() -> bytes | None:
    """Return the key of pseudonyms; None where none is set. A short one is a `JourneyDataError`."""
    text = os.environ.get(KEY, "")
    if not text:
        return None
    if len(text) < LEAST_KEY:
        msg = f"{KEY} has {len(text)} characters; {LEAST_KEY} or more were needed. {_make_one()}"
        raise JourneyDataError(msg)
    return text.encode()


def needed_key() -> bytes:
    """Return the key; without one a `JourneyDataError` says how to make it."""
    found = key()
    if found is None:
        msg = f"Columns are to become pseudonyms, and {KEY} is not set. {_make_one()}"
        raise JourneyDataError(msg)
    return found


def _make_one() -> str:
    return (
        'Make one with python -c "import secrets; print(secrets.token_hex(32))", keep it where passwords '
        "are kept, and set the environment variable to it."
    )


def key_mark(secret: bytes) -> str:
    """Return by what a key is recognised, without saying anything about it."""
    return hmac.digest(secret, b"journey_widgets: which key", "sha256").hex()[:16]


def pseudonym(value: str, secret: bytes) -> str:
    """Return the pseudonym of one value."""
    return hmac.digest(secret, value.encode(), "sha256").hex()[:DIGITS]


def as_pseudonyms(text: ir.StringValue, secret: bytes) -> ir.StringValue:
    """Return a column of text as pseudonyms; blanks stay blank."""

    def hashed(values: pa.Array) -> pa.Array:
        distinct = values.dictionary_encode()
        if isinstance(distinct, pa.ChunkedArray):
            distinct = distinct.combine_chunks()
        names = [
            None if v is None else pseudonym(v, secret) for v in distinct.dictionary.to_pylist()
        ]
        return pa.array(names, pa.string()).take(distinct.indices)

    hashed.__name__ = f"pseudonym_{hashlib.sha256(secret).hexdigest()[:16]}"
    hashed.__annotations__ = {"values": str, "return": str}
    return cast("ir.StringValue", ibis.udf.scalar.pyarrow(hashed)(text))


def refuse_personal(
    table: ir.Table, columns: Collection[str], mapping: SourceMapping, name: str,
    names: Mapping[str, ir.Table],
) -> None:  # fmt: skip
    """Raise `JourneyDataError` where a column says, or its values look as if, it told who somebody is.

    Parameters
    ----------
    table
        What was read, a column each for `columns`.
    columns
        Columns that would be stored.
    mapping
        Columns under ``pseudonyms`` and ``not_personal`` are let through.
    name
        What the source is called in messages.
    names
        Columns whose distinct values are at hand, as ``name`` with their number of rows ``n``.
    """
    let_through = {*mapping.pseudonyms, *mapping.not_personal}
    looked_at = [c for c in columns if c not in let_through]
    for column in looked_at:
        spec = mapping.columns.get(column)
        source = spec.from_ if spec and spec.from_ else column
        if _plain(source) in NAMED_PERSONAL or _plain(column) in NAMED_PERSONAL:
            msg = f"{name}: column {source!r} is called like personal data. {_remedy(column)}"
            raise JourneyDataError(msg)
    text = [c for c in looked_at if c in names or isinstance(table[c], ir.StringValue)]
    plain = [c for c in text if c not in names]
    counts = {}
    if plain:
        tests = {c: looks_personal(cast("ir.StringValue", table[c])).sum() for c in plain}
        counts = table.agg(**tests).to_pyarrow().to_pylist()[0]
    for column in text:
        if column in names:
            values = names[column]
            found = values.n.sum(where=looks_personal(values["name"]))
            counts[column] = values.agg(n=found).to_pyarrow().to_pylist()[0]["n"]
        if counts[column]:
            msg = (
                f"{name}: {counts[column]:,} values of {column!r} look like mail addresses or phone "
                f"numbers. {_remedy(column)}"
            )
            raise JourneyDataError(msg)


def looks_personal(text: ir.StringValue) -> ir.BooleanValue:
    """Return where text has a mail address in it, or is a phone number."""
    mail = text.contains("@") & text.re_search(MAIL)
    perhaps = text.substr(0, 1).isin(["+", "(", "0"]) | text.like("___-___-____")
    return cast("ir.BooleanValue", (mail | (perhaps & text.re_search(PHONE))).fill_null(False))


def _plain(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")


def _remedy(column: str) -> str:
    return (
        f"Name {column!r} under pseudonyms, to store a keyed hash instead; leave it out; or, where it says "
        "nothing about a person, name it under not_personal."
    )

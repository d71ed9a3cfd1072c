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

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.mapping import SourceMapping

KEY = "JOURNEY_PSEUDONYM_KEY"
"""Environment variable that holds the key."""
LEAST_KEY = 32
"""Characters a key needs at least; 32 hexadecimal digits are 128 bits."""
DIFFERENT = 8
"""Different characters a key needs at least, so that blanks or one letter are no key."""
DIGITS = 20
"""Hexadecimal digits of a pseudonym: 80 bits, so that among 10 million customers two share one with
a chance of 1 in 20 billion."""
MAIL = r"(?:^|[\s,;<>(:\"'])[^@＠\s,;<>()/:]+(?:@|＠|%40)[^@\s,;<>()/:]+\.[A-Za-z]{2,}"
"""A mail address anywhere in a text; one within a web address is a path."""
_APART = " ()/\u00a0–-"
PHONES = (
    rf"^[+＋][1-9]\d{{0,2}}[{_APART}][\d{_APART}]{{6,18}}\d$",  # country code, then set apart
    r"^[+＋][1-9]\d{8,14}$",
    r"^00[1-9]\d{9,13}$",
    r"^\((?:0\d{1,4}|\d{3})\) ?\d[\d -]{4,}\d$",  # area code in brackets
    r"^0\d{1,4}[ /][\d ]{4,10}\d$",  # area code set apart
    r"^0\d{2,4}-\d{5,9}$",
    r"^0\d(?:[ .-]\d{2}){4}$",  # pairs
    r"^(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}$",  # three, three and four
    r"(?:^|\s)tel:?\s*[+＋]?\d[\d ()/-]{5,}",
    r"\s[+＋][1-9]\d{0,2}[ -]\d[\d -]{6,}\d",  # within a sentence
)
"""Phone numbers as people write them. Bare digits are not told from other numbers."""
NAMED_PERSONAL = frozenset(
    {
        "name", "first_name", "firstname", "last_name", "lastname", "given_name", "family_name", "surname",
        "full_name", "fullname", "username", "user_name", "person", "email", "e_mail", "mail", "email_address",
        "phone", "phone_number", "telephone", "tel", "mobile", "fax", "street", "address", "postal_address",
        "iban", "ssn", "birthday", "birth_date", "date_of_birth", "dob", "vorname", "nachname", "telefon",
        "strasse", "geburtsdatum", "nom", "prenom", "nome", "cognome", "apellido",
    }
)  # fmt: skip
"""Column names that say that a column holds personal data."""
PEOPLE = ("customer", "client", "patient", "contact", "person", "employee", "agent", "caller", "member", "user",
          "buyer", "billing", "shipping")  # fmt: skip
"""With these before them, the names above say it too: ``customer_name``, ``billing_address``."""


def key() -> bytes | None:
    """Return the key of pseudonyms; None where none is set. A short one is a `JourneyDataError`."""
    text = os.environ.get(KEY, "")
    if not text:
        return None
    plain = text.strip()
    if len(plain) < LEAST_KEY or len(set(plain)) < DIFFERENT:
        msg = (
            f"{KEY} has {len(plain)} characters, {len(set(plain))} of them different; {LEAST_KEY} or more, "
            f"{DIFFERENT} different, were needed. {_make_one()}"
        )
        raise JourneyDataError(msg)
    try:
        return plain.encode()
    except UnicodeEncodeError:
        msg = f"{KEY} is no text in UTF-8. {_make_one()}"
        raise JourneyDataError(msg) from None


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
    for given in mapping.not_personal:
        if given not in columns:
            msg = f"{name}: not_personal names {given!r}, which is not stored. {did_you_mean(given, columns)}"
            raise JourneyDataError(msg)
    _refuse_sources_beside_pseudonyms(mapping, name)
    let_through = {*mapping.pseudonyms, *mapping.not_personal}
    looked_at = [c for c in columns if c not in let_through]
    for column in looked_at:
        for source in (column, *_sources(column, mapping)):
            if is_named_personal(source):
                msg = f"{name}: column {source!r} is called like personal data. {_remedy(column)}"
                raise JourneyDataError(msg)
    text = [c for c in looked_at if c in names or not _is_plain(table[c])]
    plain = [c for c in text if c not in names]
    counts = {}
    if plain:
        tests = {c: looks_personal(table[c].cast("string")).sum() for c in plain}
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


def _is_plain(value: ir.Value) -> bool:
    """Return whether values are numbers, times or yes and no, which hold no text."""
    kind = value.type()
    return bool(kind.is_numeric() or kind.is_temporal() or kind.is_boolean())


def _sources(column: str, mapping: SourceMapping) -> list[str]:
    """Return the source columns that a column is made of."""
    spec = mapping.columns.get(column)
    if spec is None:
        return []
    if spec.template is not None:
        return re.findall(r"{([^{}]*)}", spec.template)
    return [spec.from_] if spec.from_ else []


def _refuse_sources_beside_pseudonyms(mapping: SourceMapping, name: str) -> None:
    """Raise where the values behind a pseudonym would be stored beside it."""
    for column in mapping.pseudonyms:
        hidden = set(_sources(column, mapping)) or {column}
        for other in (*mapping.keep, *mapping.columns):
            shown = {other} if other in mapping.keep else set(_sources(other, mapping))
            if other != column and other not in mapping.pseudonyms and shown & hidden:
                msg = (
                    f"{name}: {other!r} would store the values whose pseudonym {column!r} is. "
                    f"Name {other!r} under pseudonyms too, or leave it out."
                )
                raise JourneyDataError(msg)


def is_named_personal(column: str) -> bool:
    """Return whether a column is called like personal data."""
    plain = _plain(column)
    first, _gap, rest = plain.partition("_")
    return plain in NAMED_PERSONAL or (first in PEOPLE and rest in NAMED_PERSONAL)


def looks_personal(text: ir.StringValue) -> ir.BooleanValue:
    """Return where text has a mail address in it, or is a phone number."""
    mail = (text.contains("@") | text.contains("＠") | text.contains("%40")) & text.re_search(MAIL)
    digits = text.re_search(r"\d{2}.*\d{2}")
    begins = text.substr(0, 1).isin(["+", "＋", "(", "0", "t"]) | text.contains(" +")
    three = text.re_search(r"^(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}$")
    phone = digits & ((begins & text.re_search("|".join(f"(?:{p})" for p in PHONES))) | three)
    return cast("ir.BooleanValue", (mail | phone).fill_null(False))


def shown(text: str) -> str:
    """Return a value for a message; one that looks personal is not told."""
    personal = re.search(MAIL, text) or any(re.search(p, text) for p in PHONES)
    return "(looks personal, not shown)" if personal else repr(text)


def _plain(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")


def _remedy(column: str) -> str:
    return (
        f"Name {column!r} under pseudonyms, to store a keyed hash instead; leave it out; or, where it says "
        "nothing about a person, name it under not_personal."
    )

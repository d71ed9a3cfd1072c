"""Personal data is refused at import, or stored as a keyed hash that every source shares."""

import hashlib

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.personal import KEY, pseudonym
from journey_widgets.events.source import (
    read_behaviour,
    read_events,
    read_order_lines,
    read_tickets,
)

SECRET = "0123456789abcdef" * 4


def log(**more):
    frame = {
        "customer_id": ["ann@shop.example", " bob@shop.example ", "ann@shop.example"],
        "ts": ["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-02 10:00"],
        "event": ["visit", "visit", "buy"],
    }
    return pd.DataFrame({**frame, **more})


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv(KEY, SECRET)


def test_a_pseudonym_is_the_start_of_the_hmac_of_rfc_2104():
    def by_hand(message: bytes, secret: bytes) -> str:
        block = secret.ljust(64, b"\0") if len(secret) <= 64 else hashlib.sha256(secret).digest()
        inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + message).digest()
        return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()

    assert pseudonym("ann", SECRET.encode()) == by_hand(b"ann", SECRET.encode())[:20]
    # RFC 4231, test case 2.
    assert (
        pseudonym("what do ya want for nothing?", b"Jefe")
        == "5bdcc146bf60754e6a042426089575c75a003f08"[:20]
    )


def test_mail_addresses_as_ids_are_refused_with_what_to_do():
    with pytest.raises(
        JourneyDataError, match="3 values of 'customer_id' look like mail addresses"
    ) as caught:
        read_events(log())
    assert "pseudonyms" in str(caught.value)
    assert "ann@" not in str(caught.value)


def test_pseudonyms_hide_the_ids_and_keep_the_paths(key, tmp_path):
    source = read_events(log(), pseudonyms=("customer_id",))
    found = source.to_pandas()
    ann, bob = (pseudonym(f"{n}@shop.example", SECRET.encode()) for n in ("ann", "bob"))
    assert found["customer_id"].tolist() == [ann, bob, ann]
    assert source.customers == 2
    assert "pseudonyms" in set(source.data_check["check"])
    stored = source.path.read_bytes() + b"".join(
        p.read_bytes() for p in source.path.parent.glob("events-*.json")
    )
    assert b"shop.example" not in stored
    assert "shop.example" not in str(pq.read_table(source.path).to_pydict())


def test_the_same_customer_has_the_same_pseudonym_in_every_source(key):
    events = read_events(log(), pseudonyms=("customer_id",)).to_pandas()
    orders = pd.DataFrame(
        {
            "customer_id": ["bob@shop.example"], "order_id": ["1"], "ts": ["2026-01-03"],
            "product_id": ["p"], "quantity": [1], "unit_price": [2.0],
        }
    )  # fmt: skip
    lines = read_order_lines(orders, pseudonyms=("customer_id",), currency="EUR").to_pandas()
    assert lines["customer_id"][0] == events["customer_id"][1]


def test_columns_kept_and_actors_become_pseudonyms_too(key):
    tickets = pd.DataFrame(
        {
            "case_id": ["1", "2"], "ts": ["2026-01-03", "2026-01-04"], "activity": ["open", "open"],
            "actor": ["Ann Smith", None], "owner_mail": ["a@b.example", ""],
        }
    )  # fmt: skip
    found = read_tickets(
        tickets, keep=["owner_mail"], pseudonyms=["actor", "owner_mail"]
    ).to_pandas()
    assert found["actor"].tolist()[0] == pseudonym("Ann Smith", SECRET.encode())
    assert found["owner_mail"].tolist()[0] == pseudonym("a@b.example", SECRET.encode())
    assert found[["actor", "owner_mail"]].iloc[1].isna().all()


def test_without_a_key_nothing_is_read_and_the_message_says_how_to_make_one(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    with pytest.raises(JourneyDataError, match=r"secrets\.token_hex"):
        read_events(log(never_read="before"), pseudonyms=["customer_id"])
    monkeypatch.setenv(KEY, "short")
    with pytest.raises(JourneyDataError, match="has 5 characters, 5 of them different; 32 or more"):
        read_events(log(never_read="before"), pseudonyms=["customer_id"])


def test_another_key_reads_anew_and_no_key_reads_what_is_stored(monkeypatch, tmp_path):
    file = tmp_path / "log.csv"
    log().to_csv(file, index=False)
    from journey_widgets.events.source import mapping_from_keywords, read

    mapping = mapping_from_keywords("events", {"pseudonyms": ["customer_id"]})
    monkeypatch.setenv(KEY, SECRET)
    one = read("events", file, mapping, cache=tmp_path / "c").to_pandas()["customer_id"][0]
    monkeypatch.delenv(KEY)
    assert read("events", file, mapping, cache=tmp_path / "c").to_pandas()["customer_id"][0] == one
    monkeypatch.setenv(KEY, SECRET[::-1])
    other = read("events", file, mapping, cache=tmp_path / "c").to_pandas()["customer_id"][0]
    assert other != one
    everything = b"".join(p.read_bytes() for p in (tmp_path / "c").iterdir())
    assert SECRET.encode() not in everything
    assert SECRET[::-1].encode() not in everything


@pytest.mark.parametrize(
    "column",
    [
        "customer_name",
        "billing_address",
        "Straße",
        "Vorname",
        "E-Mail",
        "phoneNumber",
        "Date of Birth",
        "surname",
    ],
)
def test_a_kept_column_called_like_personal_data_is_refused_until_somebody_vouches_for_it(column):
    plain = log(customer_id=["1", "2", "1"], **{column: ["x", "y", "z"]})
    with pytest.raises(JourneyDataError, match="is called like personal data"):
        read_events(plain, keep=[column])
    found = read_events(plain, keep=[column], not_personal=[column]).to_pandas()
    assert found[column].tolist() == ["x", "y", "z"]


def test_an_id_taken_from_a_column_of_names_is_refused():
    plain = log(customer_id=["1", "2", "1"], **{"Customer name": ["Ann", "Bob", "Ann"]})
    with pytest.raises(JourneyDataError, match="'Customer name' is called like personal data"):
        read_events(plain, customer_id="Customer name")


@pytest.mark.parametrize(
    "value",
    [
        "0170-1234567",
        "06 12 34 56 78",
        "555 123 4567",
        "1-555-123-4567",
        "tel:+491701234567",
        "call +49 170 1234567 now",
        "00491701234567",
        "+491701234567",
        "mailto:ann@shop.example",
        "ann%40shop.example",
        "+49 171 1234567",
        "+1-555-123-4567",
        "555-123-4567",
        "(030) 123456",
        "0171 1234567",
        "see a.b+c@d.org, please",
    ],
)
def test_values_that_look_personal_are_refused_in_kept_columns(value):
    plain = log(customer_id=["1", "2", "1"], note=["fine", value, None])
    with pytest.raises(JourneyDataError, match="1 values of 'note'"):
        read_events(plain, keep=["note"])


@pytest.mark.parametrize(
    "value",
    ["00017850", "536365", "2026-01-02", "01-02-2011", "01/02/2011 10:00", "+5 %", "(new)", "0.5", "user@home",
     "INC0000045", "0-10", "@handle", "1-800", "(2) basket", "0123456789", "12:30:00", "+52.5200066", "+1234567.89",
     "https://shop.example/img@2x.png", "https://medium.com/@user/post.html", "0100-2024-01-01", "(12) 3456"],
)  # fmt: skip
def test_ids_dates_and_codes_are_no_personal_data(value):
    plain = log(customer_id=["1", "2", "1"], note=["fine", value, None])
    assert read_events(plain, keep=["note"]).to_pandas()["note"].tolist()[1] == value


def test_pseudonyms_of_a_column_that_is_not_stored_are_refused(key):
    with pytest.raises(JourneyDataError, match="'customer'.*Did you mean 'customer_id'"):
        read_events(log(), pseudonyms=["customer"])
    with pytest.raises(JourneyDataError, match="pseudonyms names 'ts'"):
        read_events(log(), pseudonyms=["ts"])


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_values_have_different_pseudonyms(one, other):
    pair = (pseudonym(v, SECRET.encode()) for v in (one, other))
    assert (len(set(pair)) == 1) == (one == other)


def test_an_id_made_of_names_is_refused():
    plain = log(customer_id=["1", "2", "1"], first_name=["A", "B", "A"], last_name=["X", "Y", "X"])
    with pytest.raises(JourneyDataError, match="'first_name' is called like personal data"):
        read_events(plain, columns={"customer_id": {"template": "{first_name} {last_name}"}})


def test_the_values_behind_a_pseudonym_are_not_kept_beside_it(key):
    plain = log().rename(columns={"customer_id": "user"})
    with pytest.raises(
        JourneyDataError, match="'user' would store the values whose pseudonym 'customer_id' is"
    ):
        read_events(plain, customer_id="user", keep=["user"], pseudonyms=["customer_id"])
    both = read_events(
        plain, customer_id="user", keep=["user"], pseudonyms=["customer_id", "user"]
    ).to_pandas()
    assert both["user"].tolist() == both["customer_id"].tolist()


def test_a_column_nobody_stores_cannot_be_vouched_for():
    with pytest.raises(
        JourneyDataError, match="not_personal names 'adress'.*Did you mean 'address'"
    ):
        read_events(
            log(customer_id=["1", "2", "1"], address=["a", "b", "c"]),
            keep=["address"],
            not_personal=["adress"],
        )


def test_messages_and_the_data_check_do_not_repeat_what_looks_personal(tmp_path):
    frame = pd.DataFrame(
        {
            "touchpoint": ["pay"] * 2,
            "measure": ["m"] * 2,
            "link": ["mailto:ann@shop.example", "https://r.example/1"],
        }
    )
    found = read_behaviour(frame)
    assert "ann@" not in str(found.data_check.to_dict())
    assert "(looks personal, not shown)" in str(found.data_check.to_dict())
    times = log(customer_id=["1", "2", "1"], ts=["2026-01-01", "ann@shop.example", "2026-01-03"])
    with pytest.raises(JourneyDataError, match="looks personal, not shown") as caught:
        read_events(times)
    assert "ann@" not in str(caught.value)


def test_a_list_of_mail_addresses_is_looked_at_too():
    lists = log(customer_id=["1", "2", "1"], tags=[["a@b.example"], [], []])
    with pytest.raises(JourneyDataError, match="1 values of 'tags' look like"):
        read_events(lists, keep=["tags"])


def test_tables_stored_with_raw_ids_are_removed_once_they_become_pseudonyms(key, tmp_path):
    file = tmp_path / "log.csv"
    log(customer_id=["raw-1", "raw-2", "raw-1"]).to_csv(file, index=False)
    from journey_widgets.events.source import mapping_from_keywords, read

    cache = tmp_path / "c"
    read("events", file, mapping_from_keywords("events", {}), cache=cache)
    assert any(b"raw-1" in p.read_bytes() for p in cache.iterdir())
    read(
        "events",
        file,
        mapping_from_keywords("events", {"pseudonyms": ["customer_id"]}),
        cache=cache,
    )
    assert not any(b"raw-1" in p.read_bytes() for p in cache.iterdir())


@pytest.mark.parametrize("text", [" " * 40, "a" * 40, "short" + " " * 40])
def test_blanks_and_one_letter_are_no_key(monkeypatch, text):
    monkeypatch.setenv(KEY, text)
    with pytest.raises(JourneyDataError, match="were needed"):
        read_events(log(another="column"), pseudonyms=["customer_id"])


def test_a_line_break_after_the_key_makes_no_difference(monkeypatch):
    monkeypatch.setenv(KEY, SECRET + "\n")
    found = read_events(log(again="1"), pseudonyms=["customer_id"]).to_pandas()
    assert found["customer_id"][0] == pseudonym("ann@shop.example", SECRET.encode())

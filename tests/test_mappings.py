"""The example mapping files are valid, and read the data sets that ship with them."""

import pytest

from journey_widgets import journey
from journey_widgets.events.source import read
from journey_widgets.textfiles import read_text
from journey_widgets.workspace.settings import Sources

NAMES = [
    "bpic2012", "ecom_synthetic", "eshop_clickstream", "helpdesk", "hillstrom_email", "incident_log",
    "incident_log_original", "online_retail", "otto", "sfo_survey_2016", "sfo_survey_2017",
]  # fmt: skip


def sources(root, name):
    return Sources.from_text(read_text(root / "docs" / "mappings" / f"{name}.yaml"), where=name)


def test_every_mapping_file_is_named_here(root):
    assert sorted(p.stem for p in (root / "docs" / "mappings").glob("*.yaml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_file_is_valid_and_names_one_source(root, name):
    assert len(sources(root, name).present()) == 1


def test_the_shipped_clickstream_reads_as_published(root):
    mapping = sources(root, "ecom_synthetic").events
    source = read("events", root / "data" / "real" / "ecom_synthetic" / mapping.file, mapping)

    table = source.to_pandas()
    assert len(table) == 31_106
    assert table["event"].nunique() == 19
    assert f"{table['ts'].min():%Y-%m-%d} {table['ts'].max():%Y-%m-%d}" == "2024-01-04 2024-06-29"
    assert journey.funnel(source, ["cart", "purchase"])["customers"].iloc[0] > 0


def test_the_shipped_trial_reads_as_published(root):
    mapping = sources(root, "hillstrom_email").trials
    source = read("trials", root / "data" / "real" / "hillstrom_email" / mapping.file, mapping)

    table = source.to_pandas()
    facts = source.data_check.set_index("check")["rows"]
    visits = table.groupby("arm")["visit"].agg(["mean", "size"])
    assert len(table) == 64_000
    assert facts["duplicate rows"] == 6_562
    assert visits["size"].to_dict() == {
        "Mens E-Mail": 21_307,
        "No E-Mail": 21_306,
        "Womens E-Mail": 21_387,
    }
    assert (visits["mean"] * 100).round(2).to_dict() == {
        "Mens E-Mail": 18.28, "No E-Mail": 10.62, "Womens E-Mail": 15.14,
    }  # fmt: skip
    spend = table.groupby("arm")["spend"].mean().round(5)
    assert spend.to_dict() == {
        "Mens E-Mail": 1.42262,
        "No E-Mail": 0.65279,
        "Womens E-Mail": 1.0772,
    }

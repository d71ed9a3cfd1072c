"""The SQL of engines that nobody ran: compiled by the same expressions, and kept, so that a change of it is seen."""

import ibis
import pytest

from support import statements


@pytest.mark.parametrize("engine", statements.NOT_RUN)
def test_the_statements_are_those_that_are_kept(engine):
    assert statements.text(engine) == (statements.KEPT / f"{engine}.sql").read_text("utf-8")


@pytest.mark.parametrize("engine", statements.NOT_RUN)
def test_no_statement_asks_for_what_engines_answer_differently(engine):
    text = statements.text(engine).lower()
    for trap in ("date_format", "approx", "last_value", "asof", "tablesample", "quantile("):
        assert trap not in text, trap


def test_what_is_avoided_is_a_trap():
    """Ibis asks Trino for microseconds by way of a format that knows whole milliseconds."""
    ts = statements.table("trino", "log", statements.INDEX).ts
    assert "DATE_FORMAT" in str(ibis.to_sql(ts.microsecond().name("m"), dialect="trino"))
    assert "TO_UNIXTIME" in statements.text("trino")

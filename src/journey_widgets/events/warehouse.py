"""Warehouses: engines of somebody else, where sources live that are too large, or not allowed, to be moved.

``sources.yaml`` says which backend and table; how it is reached stands in the environment alone, because addresses
carry passwords: ``JOURNEY_POSTGRES_URL``, ``JOURNEY_PYSPARK_URL`` and so on.
"""

import contextlib
import os
from typing import Any

from journey_widgets.errors import InfrastructureError, JourneyDataError
from journey_widgets.events.mapping import Backend

EXTRAS: dict[Backend, str] = {
    "pyspark": "journey-widgets[spark]",
    "postgres": "journey-widgets[postgres]",
    "trino": "ibis-framework[trino]",
    "bigquery": "ibis-framework[bigquery]",
    "snowflake": "ibis-framework[snowflake]",
    "clickhouse": "ibis-framework[clickhouse]",
}
"""Backend → what has to be installed for it."""
EXAMPLES: dict[Backend, str] = {
    "pyspark": "spark://host:7077",
    "postgres": "postgres://user@host/database",
    "trino": "trino://user@host/catalog/schema",
    "bigquery": "bigquery://project/dataset",
    "snowflake": "snowflake://user@account/database/schema?warehouse=name",
    "clickhouse": "clickhouse://user@host/database",
}


def variable(backend: Backend) -> str:
    """Return the environment variable that says how a backend is reached."""
    return f"JOURNEY_{backend.upper()}_URL"


def warehouse(backend: Backend) -> Any:
    """Return this process's connection to a backend, as the environment says.

    Raises
    ------
    JourneyDataError
        The environment does not say how it is reached, or what it needs is not installed.
    InfrastructureError
        It does not answer.
    """
    address = os.environ.get(variable(backend), "").strip()
    if not address:
        msg = (
            f"A source lives in {backend}, and {variable(backend)} is not set. Set it to an address such as "
            f"{EXAMPLES[backend]}."
        )
        raise JourneyDataError(msg)
    con = _CONNECTIONS.get((backend, address))
    if con is not None and not _answers(con):  # the server was started anew, or ended what was idle
        with contextlib.suppress(Exception):
            con.disconnect()
        con = None
    if con is None:
        con = _CONNECTIONS[backend, address] = _connected(backend, address)
    return con


_CONNECTIONS: dict[tuple[Backend, str], Any] = {}
"""Connections of this process by backend and address."""


def _answers(con: Any) -> bool:
    """Return whether a connection is still one; those that are no connection but a session of ours always are."""
    if con.name != "postgres":
        return True
    try:
        con.raw_sql("SELECT 1").close()
    except Exception:  # noqa: BLE001 - whatever the driver raises, it does not answer
        return False
    return True


def _connected(backend: Backend, address: str) -> Any:
    try:
        if backend == "pyspark":
            from journey_widgets.events import spark

            return spark.connect(address)
        import ibis

        con = ibis.connect(address.replace("postgresql+psycopg://", "postgres://", 1))
    except ImportError as error:
        msg = f"For {backend} something is not installed ({error}). Run: pip install '{EXTRAS[backend]}'"
        raise JourneyDataError(msg) from error
    except Exception as error:  # noqa: BLE001
        # What drivers raise is as various as they are; an address may stand in it, with its password.
        msg = (
            f"{backend} cannot be reached ({type(error).__name__}). Is {variable(backend)} right, and does it run? "
            f"An address looks like {EXAMPLES[backend]}."
        )
        raise InfrastructureError(msg) from None
    if con.name != backend:
        msg = (
            f"{variable(backend)} is an address of {con.name}; one of {backend} was needed, such as "
            f"{EXAMPLES[backend]}."
        )
        raise JourneyDataError(msg)
    if backend == "postgres":
        con.raw_sql("SET TIME ZONE 'UTC'").close()
    return con

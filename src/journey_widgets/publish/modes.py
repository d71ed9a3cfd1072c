"""Which of its three lives a notebook is living: analyst's page, dashboard, or report."""

import os
from typing import Literal, cast

from journey_widgets.errors import InfrastructureError
from journey_widgets.events.warehouse import EXAMPLES, variable

Mode = Literal["notebook", "dashboard", "report"]
MODE, WORKSPACE, READ_ONLY = "JOURNEY_MODE", "JOURNEY_WORKSPACE", "JOURNEY_READ_ONLY"
INTERACTIVE = "JOURNEY_INTERACTIVE"
"""Environment variables that the dashboards' server and the report runner set for their kernels."""

PASSED_ON = (
    "CURL_CA_BUNDLE", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONHASHSEED", "PYTHONPATH",
    "SSL_CERT_FILE", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "TZ", "USER", "USERNAME", "VIRTUAL_ENV",
    "XDG_CACHE_HOME", "XDG_DATA_HOME", "PGHOST", "PGPASSFILE", "PGPORT", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE",
    "PGSSLROOTCERT", "PGUSER", "JAVA_HOME", "SPARK_CONF_DIR", "SPARK_HOME", "SPARK_LOCAL_DIRS", "SPARK_LOCAL_IP",
)  # fmt: skip
"""Of this process's environment kernels are given these, and LC_, OMP_ and DUCKDB_: no passwords, no tokens."""
PASSED_ON_TOO = (
    "LC_",
    "OMP_",
    "DUCKDB_",
    "JOURNEY_AUTHOR",
    "JOURNEY_PSEUDONYM_KEY",
)
"""Sources with personal data cannot be read without the key of their pseudonyms."""
WAREHOUSES = frozenset(variable(backend) for backend in EXAMPLES)
"""Nor can sources in a warehouse without its address: the one thing kernels are given that may hold a password."""


def mode() -> Mode:
    """Return ``"notebook"`` (JupyterLab), ``"dashboard"`` (Voilà) or ``"report"`` (papermill)."""
    said = os.environ.get(MODE, "notebook")
    if said not in {"notebook", "dashboard", "report"}:
        msg = f"{MODE} is {said!r}; notebook, dashboard or report was needed."
        raise InfrastructureError(msg)
    return cast("Mode", said)


def read_only() -> bool:
    """Say whether documents may be looked at but not saved here."""
    return os.environ.get(READ_ONLY, "") == "1" or mode() == "report"


def interactive() -> bool:
    """Say whether a report's charts bring along what the static edition's script needs to draw them anew."""
    return os.environ.get(INTERACTIVE, "") == "1"


def passed_on() -> dict[str, str]:
    """Return what of this process's environment kernels are given."""
    known = {*PASSED_ON, *WAREHOUSES}
    return {k: v for k, v in os.environ.items() if k in known or k.startswith(PASSED_ON_TOO)}

"""The tables of a store, and the steps from each version of them to the next.

A store says its version in the table ``alembic_version``; the first one said nothing. The steps are Alembic's, in
``migrations/``; a new store is made at once as the newest version is. A step writes its tables out again on purpose:
what a version was does not change when the tables here do.
"""

from pathlib import Path

import sqlalchemy as sa

VERSION, FIRST = "2", "1"
"""The version this package writes, and the one that stores have which do not say any."""
MIGRATIONS = Path(__file__).parent / "migrations"

metadata = sa.MetaData()
artefact = sa.Table(
    "artefact",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False, unique=True),
    sa.Column("created_utc", sa.String(32), nullable=False),
)
revision = sa.Table(
    "revision",
    metadata,
    sa.Column("artefact_id", sa.ForeignKey("artefact.id"), primary_key=True),
    sa.Column("rev", sa.Integer, primary_key=True),
    sa.Column("base_rev", sa.Integer, nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("at_utc", sa.String(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("prev_sha256", sa.String(64), nullable=False),
    sa.Column("save_id", sa.String(64), nullable=False, unique=True),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_utc", sa.String(32), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("login", sa.String(200), nullable=False),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("about", sa.String(200), nullable=False),
    sa.Column("from_rev", sa.Integer, nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("prev_sha256", sa.String(64), nullable=False),
    sa.Index("audit_what_about", "what", "about"),
)
version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)
HELD = (artefact, revision, audit)
"""Tables in the order in which one refers to the other."""


def version_of(connection: sa.Connection) -> str | None:
    """Return the version of the store behind a connection; None where there is none yet."""
    found = sa.inspect(connection)
    if found.has_table(version.name):
        said = connection.scalar(sa.select(version.c.version_num))
        return str(said) if said else None
    return FIRST if found.has_table(artefact.name) else None


def make(connection: sa.Connection) -> None:
    """Make the tables of the newest version in an empty database."""
    metadata.create_all(connection)
    version.create(connection, checkfirst=True)
    connection.execute(version.insert().values(version_num=VERSION))


def upgrade(connection: sa.Connection, found: str) -> None:
    """Bring the tables from an earlier version to the newest one, step by step."""
    from alembic import command
    from alembic.config import Config

    steps = Config()
    steps.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    steps.attributes["connection"] = connection
    if found == FIRST and not sa.inspect(connection).has_table(version.name):
        command.stamp(steps, FIRST)
    command.upgrade(steps, "head")


def is_newer(found: str) -> bool:
    """Return whether a store was made by a newer package than this one."""
    return not found.isdecimal() or int(found) > int(VERSION)

"""Version 1: documents and their revisions."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "1", None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "artefact",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False, unique=True),
        sa.Column("created_utc", sa.String(32), nullable=False),
    )
    op.create_table(
        "revision",
        sa.Column("artefact_id", sa.Integer, sa.ForeignKey("artefact.id"), primary_key=True),
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

"""`lineage migrate`: create or upgrade the catalog's tables."""

import click

from lineage_pipelines.cli.session import Session, echo_note


@click.command("migrate")
@click.pass_obj
def command(session: Session) -> int:
    """Create the catalog, or upgrade one of an older release.

    Commands that write to a SQLite catalog upgrade it automatically; in PostgreSQL the owner of the tables has to do
    it. A SQLite file is copied first, into the same folder. An upgrade is one transaction: interrupted, it changes
    nothing.

    \b
    Examples:
      lineage migrate
      LINEAGE_CATALOG=postgresql+psycopg://lineage_owner@db.example/lineage lineage migrate
    """
    from lineage_pipelines.catalog.catalog import Catalog

    with Catalog(session.settings().catalog) as catalog:
        before, now = catalog.connection.found_schema, catalog.connection.schema_version
        result = "up to date" if before == now else "created" if before == 0 else f"upgraded from schema {before}"
        echo_note(f"{catalog.url}: {result}, schema {now}")
    return 0

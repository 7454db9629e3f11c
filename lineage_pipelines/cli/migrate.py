"""`lineage migrate`: make the catalog's tables, or bring them up to date."""

import click

from lineage_pipelines.cli.session import Session


@click.command("migrate")
@click.pass_obj
def command(session: Session) -> int:
    """Make the catalog, or bring one of an older release up to date.

    Whoever writes to a catalog does so by itself; in PostgreSQL it takes the owner of the tables. Of a file, a copy is
    kept beside it. An upgrade is one transaction: cut short, it leaves what was.

    \b
    Examples:
      lineage migrate
      LINEAGE_CATALOG=postgresql+psycopg://lineage_owner@db.example/lineage lineage migrate
    """
    from lineage_pipelines.catalog.catalog import Catalog

    with Catalog(session.settings().catalog) as catalog:
        before, now = catalog.connection.found_schema, catalog.connection.schema_version
        said = "up to date" if before == now else "made" if before == 0 else f"brought from schema {before}"
        click.echo(f"{catalog.url}: {said}, schema {now}", err=True)
    return 0

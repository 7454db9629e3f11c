"""The kinds of entries, and how a statement asks for one of them."""

import sqlalchemy as sa

from lineage_pipelines.catalog.tables import log

RECORD = "record"
"""The kind of an entry that holds a lineage record."""
DECISION = "decision"
"""The kind of an entry that holds a decision."""
KEY = "key"
"""The kind of an entry that holds an event in the life of a key."""
APPROVAL = "approval"
"""The kind of an entry that holds an approval, in the envelope that its approver signed."""
REPRODUCTION = "reproduction"
"""The kind of an entry that holds the verdict of running a version again."""
ATTRIBUTION = "attribution"
"""The kind of an entry that holds an analysis of what the difference between two versions is allocated to."""
ANALYSES = (REPRODUCTION, ATTRIBUTION)


def of_kind(kind: str) -> sa.ColumnElement[bool]:
    """Return the condition that an entry is of a kind.

    Said in the words of the index `log_kind`, too: a value that is bound later does not prove to SQLite that the index
    has all rows, and the whole log would be read.
    """
    if kind == RECORD:
        return log.c.kind == kind
    return sa.and_(log.c.kind == kind, log.c.kind != sa.literal_column("'record'"))

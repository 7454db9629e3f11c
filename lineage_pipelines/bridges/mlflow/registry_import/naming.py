"""Naming: the names of registered models here, and their aliases as decisions of the catalog.

MLflow keeps no history of its aliases, so it begins here.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ConflictError, RecordError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.queries.registry.import_summary import ImportedAlias
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.records.values.model_name import check_model_name, check_new_alias, suggest_model_name

REASON = "imported from MLflow, which keeps no history of aliases"
_STAGES = {"Production": "production", "Staging": "staging"}
"""What MLflow had before aliases."""


@dataclass(frozen=True, slots=True)
class AliasImport:
    """Where decisions about imported aliases go."""

    catalog: Catalog | None
    """None in a dry run without a catalog."""
    by: str
    """Who imports: the account that runs it."""
    project_dir: Path
    """The project whose policy applies; a promotion against it says so."""
    dry_run: bool

    def import_aliases(
        self, named: Mapping[str, str], entries: Mapping[str, Entry | None], new: frozenset[str], origin: str
    ) -> Iterator[ImportedAlias]:
        """Make the catalog's aliases name what MLflow's name.

        Args:
            named: MLflow's version, by alias.
            entries: the versions here, by MLflow's number; None for one that a dry run would import.
            new: numbers of versions that the catalog's own mirror wrote: their aliases are decided here.
            origin: the server, for the reason.
        """
        for alias, number in sorted(named.items()):
            try:
                check_new_alias(alias)
            except RecordError as error:
                yield _left(alias, entries.get(number), f"not a valid alias name: {error.fix}")
                continue
            yield self._import_alias(alias, number, entries, new, origin)

    def _import_alias(
        self, alias: str, number: str, entries: Mapping[str, Entry | None], mirrored: frozenset[str], origin: str
    ) -> ImportedAlias:
        if number not in entries:
            return _left(alias, None, f"MLflow's version {number} was not imported")
        entry = entries[number]
        if entry is None or self.catalog is None:
            return ImportedAlias(alias=alias, version=None, done=True, detail="to be decided")
        holder = find_holder(self.catalog, entry.model, alias)
        if holder is not None and holder.digest == entry.digest:
            return ImportedAlias(alias=alias, version=entry.version, done=True, detail="")
        now = f"it names {holder.ref} here" if holder else "it names nothing here"
        if number in mirrored or self._decided_here(entry.model, alias):
            return _left(alias, entry, f"{now}, by a decision of this catalog")
        return self._decide(alias, entry, origin)

    def _decided_here(self, model: str, alias: str) -> bool:
        if self.catalog is None:
            return False
        return any(not each.decision.reason.startswith(REASON) for each in list_decisions(self.catalog, model, alias))

    def _decide(self, alias: str, entry: Entry, origin: str) -> ImportedAlias:
        assert self.catalog is not None  # noqa: S101  # asked with one only
        if self.dry_run:
            return ImportedAlias(alias=alias, version=entry.version, done=True, detail="to be decided")
        try:
            draft = draft_promotion(
                self.catalog,
                entry,
                alias,
                by=self.by,
                known_by=IdentityProof.OS,
                reason=f"{REASON} ({origin})",
                project_dir=self.project_dir,
                override=True,
            )
            seq = self.catalog.registry.decide(draft)
        except ConflictError as error:
            return _left(alias, entry, error.what)
        against = ", against the policy" if draft.override else ""
        return ImportedAlias(
            alias=alias, version=entry.version, done=True, detail=f"decided now, entry {seq:,}{against}"
        )

    def left_over(self, model: str, named: Mapping[str, str]) -> Iterator[str]:
        """Yield a note for each alias that an import brought and that MLflow has no more."""
        current = self.catalog.index.current_aliases([model]) if self.catalog is not None else ()
        for _, alias, version in current:
            if alias not in named and not self._decided_here(model, alias):
                yield f"MLflow no longer has an alias {alias}; here it names {model}@{version} until it is retired"


def _left(alias: str, entry: Entry | None, why: str) -> ImportedAlias:
    return ImportedAlias(alias=alias, version=entry.version if entry else None, done=False, detail=why)


def with_stages(aliases: Mapping[str, str], stages: Mapping[str, str]) -> dict[str, str]:
    """Return aliases, and for each old stage that has no alias of its name the newest version in it.

    Args:
        aliases: MLflow's version, by alias.
        stages: MLflow's version, by stage.
    """
    return {**{_STAGES[stage]: number for stage, number in stages.items() if stage in _STAGES}, **aliases}


_LONGEST = 128
_MARK = 8


def name_models(
    theirs: Sequence[str], renamed: Mapping[str, str], earlier: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the name that each registered model has in the catalog; no two have the same.

    Args:
        theirs: the names in MLflow, the model that was registered first in front: it keeps the plain name where two
            come to one.
        renamed: their names and ours, as the user asked.
        earlier: their names and ours, as an earlier import called them.

    Raises:
        RecordError: a requested name is not valid, is requested twice, or is for a model that MLflow has not.
    """
    _check(theirs, renamed)
    found = {name: check_model_name(ours) for name, ours in renamed.items()}
    taken = {_folded(ours) for ours in found.values()}
    for name, ours in (earlier or {}).items():
        if name in theirs and name not in found and _folded(ours) not in taken:
            found[name] = ours
            taken.add(_folded(ours))
    for name in theirs:
        if name not in found and _is_ours(name) and _folded(name) not in taken:
            found[name] = name
            taken.add(_folded(name))
    for name in theirs:
        if name not in found:
            plain = suggest_model_name(name)
            found[name] = plain if _folded(plain) not in taken else _marked(plain, name)
            taken.add(_folded(found[name]))
    return found


def _folded(name: str) -> str:
    # As the catalog folds names: two that differ in a hyphen only are too like each other.
    return re.sub(r"[._-]+", "_", name)


def _check(theirs: Sequence[str], renamed: Mapping[str, str]) -> None:
    unknown = [name for name in renamed if name not in theirs]
    if unknown:
        fix = "write its name as MLflow shows it: --rename 'THEIRS=OURS'"
        raise RecordError(f"MLflow has no registered model {unknown[0]!r} to rename", fix=fix)
    if len(set(renamed.values())) < len(renamed):
        raise RecordError("two models are to have one name", fix="give each its own: --rename 'THEIRS=OURS'")


def _is_ours(name: str) -> bool:
    try:
        return check_model_name(name) == name
    except RecordError:
        return False


def _marked(plain: str, name: str) -> str:
    return f"{plain[: _LONGEST - _MARK - 1]}_{hashlib.sha256(name.encode()).hexdigest()[:_MARK]}"

"""The questions that are asked of a history, each time about something else, as a server asks them: warm, in process.

What is timed is what the command of that name does between opening the catalog and writing the answer.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from benchmarks import versions as v
from benchmarks.growing import Place, Trying
from lineage_pipelines import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.diff.comparison import compare_versions
from lineage_pipelines.queries.graph.impact import impact
from lineage_pipelines.queries.graph.subject import Places, find_subject
from lineage_pipelines.queries.graph.trace import trace
from lineage_pipelines.queries.refs import known_model, resolve
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.queries.versions.analyses import list_reproductions
from lineage_pipelines.queries.versions.version_log import log_versions
from lineage_pipelines.queries.versions.what_changed import what_changed
from lineage_pipelines.records.values.model_name import PRODUCTION
from lineage_pipelines_tests.samples import digests

_NOW_AND_THEN = 20
"""How many versions of a model back `what-changed` is asked about at most."""


@dataclass
class Asker:
    """Who asks one history."""

    catalog: Catalog
    place: Place
    size: int
    draw: random.Random = field(default_factory=lambda: random.Random(4))

    @property
    def places(self) -> Places:
        """Where a subject of impact is looked for."""
        return Places(artifacts=self.place.artifacts)

    @cached_property
    def trying(self) -> Trying:
        """The same catalog, opened for writing."""
        return Trying(self.catalog.url, keys=self.place.keys)

    @cached_property
    def versions(self) -> v.Versions:
        """The records that would come next."""
        return v.Versions(self.place.artifacts)

    def any(self, *, least: int = 0) -> int:
        """Return any version by its number, of a model that has so many before it."""
        return self.draw.randrange(v.MODELS * least, self.size)


Question = Callable[[Asker], Callable[[], object]]
"""Thinks of something to ask about, which is not timed; returns what asks."""


def _log(asker: Asker) -> Callable[[], object]:
    return partial(log_versions, asker.catalog, v.model_of(asker.any()))


def _resolve(asker: Asker) -> Callable[[], object]:
    ref = v.ref_of(asker.any())
    return lambda: resolve(asker.catalog, ref).record


def _show(asker: Asker) -> Callable[[], object]:
    ref, catalog = v.ref_of(asker.any()), asker.catalog

    def ask() -> object:
        entry = resolve(catalog, ref)
        name, version, project = entry.model, entry.version, asker.place.project
        decided = list_decisions(catalog, name, version=version)
        approved = list_approvals(catalog, name, version=version, project_dir=project)
        return entry.record, decided, approved, list_reproductions(catalog, entry.digest)

    return ask


def _compared(asker: Asker, first: int, second: int) -> Callable[[], object]:
    catalog, refs = asker.catalog, (v.ref_of(first), v.ref_of(second))

    def ask() -> object:
        before, after = (resolve(catalog, ref) for ref in refs)
        return compare_versions(catalog, before, after, artifacts=asker.place.artifacts)

    return ask


def _diff_before(asker: Asker) -> Callable[[], object]:
    second = asker.any(least=1)
    return _compared(asker, second - v.MODELS, second)


def _diff_any(asker: Asker) -> Callable[[], object]:
    second = asker.any(least=1)
    earlier = asker.draw.randrange(second // v.MODELS)
    return _compared(asker, earlier * v.MODELS + second % v.MODELS, second)


def _trace(asker: Asker) -> Callable[[], object]:
    return partial(trace, asker.catalog, v.ref_of(asker.any()))


def _impact(asker: Asker, subject: str, *, least: int, explain: bool = True) -> Callable[[], object]:
    def ask() -> object:
        found = impact(asker.catalog, find_subject(asker.catalog, subject, asker.places), explain=explain)
        if len(found.versions) < least:
            raise SystemExit(f"impact of {subject} names {len(found.versions)} versions")
        return found

    return ask


def _snapshot(asker: Asker) -> str:
    number = asker.any()
    return digests(v.snapshot(v.team_of(number), "train", v.month_of(number))).sha256 or ""


def _impact_digest(asker: Asker) -> Callable[[], object]:
    return _impact(asker, _snapshot(asker), least=1)


def _impact_names(asker: Asker) -> Callable[[], object]:
    return _impact(asker, _snapshot(asker), least=1, explain=False)


def _impact_raw(asker: Asker) -> Callable[[], object]:
    number = asker.any()
    raw = digests(v.delivered(v.team_of(number), v.month_of(number))).md5 or ""
    return _impact(asker, raw, least=1, explain=False)


def _impact_path(asker: Asker) -> Callable[[], object]:
    number = asker.any()
    return _impact(asker, v.delivered(v.team_of(number), v.month_of(number)), least=1, explain=False)


def _impact_commit(asker: Asker) -> Callable[[], object]:
    return _impact(asker, v.revision_of(asker.any())[:12], least=1, explain=False)


def _impact_package(asker: Asker) -> Callable[[], object]:
    return _impact(asker, v.release_of(asker.any()), least=1, explain=False)


def _history(asker: Asker) -> Callable[[], object]:
    catalog, model = asker.catalog, v.model_of(asker.any())

    def ask() -> object:
        known_model(catalog, model)
        decided = list_decisions(catalog, model)
        return decided, list_approvals(catalog, model, project_dir=asker.place.project)

    return ask


def _what_changed(asker: Asker) -> Callable[[], object]:
    from datetime import UTC, datetime

    model, versions = v.model_of(asker.any()), asker.size // v.MODELS
    since = f"{model}@{versions - asker.draw.randint(1, min(_NOW_AND_THEN, versions - 1))}"
    return lambda: what_changed(
        asker.catalog,
        model,
        since,
        now=datetime.now(UTC),
        artifacts=asker.place.artifacts,
        project_dir=asker.place.project,
    )


def live(asker: Asker) -> Callable[[], Entry | None]:
    """Ask which version is in production."""
    return partial(find_holder, asker.catalog, v.model_of(asker.any()), PRODUCTION)


def _append(asker: Asker) -> Callable[[], object]:
    record = asker.versions.record(asker.size + asker.draw.randrange(10 * v.PER_MONTH))
    return partial(asker.trying.try_append, record)


def _promote(asker: Asker) -> Callable[[], object]:
    return partial(asker.trying.try_promotion, v.ref_of(asker.any()), asker.place.project)


QUESTIONS: Mapping[str, tuple[Question, str]] = {
    "one record": (_resolve, "1.5 x"),
    "show": (_show, "1.5 x"),
    "diff with the version before": (_diff_before, "1.5 x, 50 ms"),
    "diff of any two of a model": (_diff_any, "1.5 x, 50 ms"),
    "trace": (_trace, "1.5 x"),
    "impact of a snapshot, names": (_impact_names, "10/30 ms"),
    "impact of a snapshot, and how": (_impact_digest, ""),
    "impact of a delivered file's MD5, names": (_impact_raw, "10/30 ms"),
    "impact of a path, names": (_impact_path, "10/30 ms"),
    "impact of a commit, names": (_impact_commit, "10/30 ms"),
    "impact of a package's release, names": (_impact_package, "10/30 ms"),
    "who is in production": (live, "1.5 x"),
    "a commit, taken back": (_append, "1.5 x"),
    "a promotion, taken back": (_promote, "1.5 x"),
    "history of a model": (_history, ""),
    "what-changed, up to 20 versions back": (_what_changed, ""),
    "log of a model": (_log, ""),
}
"""Each with its budget. What has none answers with more as there are more versions, or more decisions, of a model."""

"""The chain of preparation steps behind the inputs of a model, as trees back to the tracked sources."""

from collections.abc import Iterator, Mapping

from lineage_pipelines.records.statement.dataset import DatasetSnapshot, Grade, StageInput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Tree
from lineage_pipelines.reports.formatting import short_digest, size

_SEEN_ABOVE = "as above"
_ORIGINS = {"tracked": "tracked by {}", "superseded": "which {} has since recorded anew"}


def preparation_trees(record: LineageRecord) -> Iterator[Tree]:
    """Yield a tree for each step (or tracked file) that inputs come from, the inputs it made at its root."""
    steps = _Steps(record)
    makers: dict[str | None, list[DatasetSnapshot]] = {}
    for snapshot in record.data:
        source = record.source_of(snapshot)
        makers.setdefault(source.summary if source else snapshot.produced_by, []).append(snapshot)
    for maker, made in makers.items():
        names = ", ".join(snapshot.name for snapshot in made)
        if maker is None:
            declared = all(snapshot.grade is Grade.DECLARED for snapshot in made)
            words = "no preparation step is known" if declared else "tracked by DVC, no preparation step"
            yield Tree(f"{names}: {words}")
        elif made[0].produced_by is None:
            yield Tree(f"{names}: {maker}, no preparation step")
        elif maker not in steps.by_name:
            yield Tree(f"{names}: made by {maker}, of which no run is recorded")
        else:
            yield Tree(names, (steps.tree(maker),))


def raw_inputs(record: LineageRecord, snapshot: DatasetSnapshot) -> Mapping[str, str]:
    """Return the paths of what no recorded step made behind an input, each with what is known of it.

    What Git keeps, the code of the steps, is not among them; an input that no step made is its own.
    """
    if snapshot.produced_by is None:
        return {snapshot.path: _known_of(record, snapshot)}
    stages = {stage.name: stage for stage in record.stages}
    found: dict[str, str] = {}
    front, seen = [snapshot.produced_by], {snapshot.produced_by}
    while front:
        stage = stages.get(front.pop(0))
        for dep in stage.deps if stage else ():
            kind, _, owner = dep.origin.partition(":")
            if kind == "stage" and owner not in seen:
                seen.add(owner)
                front.append(owner)
            elif kind not in ("stage", "git"):
                found.setdefault(dep.path, _known_of(record, dep))
    return found


def _known_of(record: LineageRecord, read: DatasetSnapshot | StageInput) -> str:
    """Say in a line which content it had and who tracks it."""
    source = record.source_of(read)
    kind, _, owner = read.origin.partition(":") if isinstance(read, StageInput) else ("", "", "")
    words = source.summary if source else _ORIGINS.get(kind, kind).format(owner)
    files = f", {count(read.files, 'file')}" if read.files is not None and read.files > 1 else ""
    size_words = f", {size(read.size)}" if read.size is not None else ""
    digest = short_digest(read.digest.md5 or read.digest.sha256)
    return f"{digest}{files}{size_words}" + (f", {words}" if words else "")


class _Steps:
    """Draws the steps of a record, each once."""

    def __init__(self, record: LineageRecord) -> None:
        self.by_name = {stage.name: stage for stage in record.stages}
        self._record = record
        self._drawn: set[str] = set()

    def tree(self, name: str) -> Tree:
        """Return the tree of a step down to the tracked sources."""
        stage = self.by_name[name]
        if name in self._drawn:
            return Tree(f"{name} ({_SEEN_ABOVE})")
        self._drawn.add(name)
        label = f"{name}: {_first_line(stage.command)}{_params(stage.params)}"
        return Tree(label, tuple(self._inputs(stage)))

    def _inputs(self, stage: StageRun) -> Iterator[Tree]:
        code = [dep for dep in stage.deps if dep.origin == "git"]
        for dep in stage.deps:
            kind, _, owner = dep.origin.partition(":")
            if kind == "stage":
                yield Tree(_named(dep), (self.tree(owner),) if owner in self.by_name else ())
            elif dep.origin != "git":
                source = self._record.source_of(dep)
                words = source.summary if source else _ORIGINS.get(kind, kind).format(owner)
                yield Tree(f"{_named(dep)}, {words}")
        if code:
            yield Tree("code: " + ", ".join(dep.path for dep in code))


def _named(dep: StageInput) -> str:
    return f"{dep.path} ({short_digest(dep.digest.md5 or dep.digest.sha256)})"


def _first_line(command: str) -> str:
    first, _, rest = command.strip().partition("\n")
    return f"{first} …" if rest else first


def _params(params: Mapping[str, Json]) -> str:
    values = [f"{name}={value}" for chosen in params.values() for name, value in _flat(chosen, "")]
    return f"  [{', '.join(values)}]" if values else ""


def _flat(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    else:
        yield name, value

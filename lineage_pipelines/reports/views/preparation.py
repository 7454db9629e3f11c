"""The chain of preparation steps behind the inputs of a model, as trees back to the tracked sources."""

from collections.abc import Iterator, Mapping, Sequence

from lineage_pipelines.records.statement.dataset import DatasetSnapshot, Grade, StageInput, StageRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.document import Tree
from lineage_pipelines.reports.formatting import short_digest

_SEEN_ABOVE = "as above"
_ORIGINS = {"tracked": "tracked by {}", "superseded": "which {} has since recorded anew"}


def preparation_trees(data: Sequence[DatasetSnapshot], stages: Sequence[StageRun]) -> Iterator[Tree]:
    """Yield a tree for each step (or tracked file) that inputs come from, the inputs it made at its root."""
    by_name = {stage.name: stage for stage in stages}
    makers: dict[str | None, list[DatasetSnapshot]] = {}
    for snapshot in data:
        makers.setdefault(snapshot.produced_by, []).append(snapshot)
    drawn: set[str] = set()
    for maker, made in makers.items():
        names = ", ".join(snapshot.name for snapshot in made)
        if maker is None:
            declared = all(snapshot.grade is Grade.DECLARED for snapshot in made)
            words = "no preparation step is known" if declared else "tracked by DVC, no preparation step"
            yield Tree(f"{names}: {words}")
        elif maker not in by_name:
            yield Tree(f"{names}: made by {maker}, of which no run is recorded")
        else:
            yield Tree(names, (_stage(by_name[maker], by_name, drawn),))


def _stage(stage: StageRun, by_name: Mapping[str, StageRun], drawn: set[str]) -> Tree:
    if stage.name in drawn:
        return Tree(f"{stage.name} ({_SEEN_ABOVE})")
    drawn.add(stage.name)
    label = f"{stage.name}: {_first_line(stage.command)}{_params(stage.params)}"
    return Tree(label, tuple(_inputs(stage, by_name, drawn)))


def _inputs(stage: StageRun, by_name: Mapping[str, StageRun], drawn: set[str]) -> Iterator[Tree]:
    code = [dep for dep in stage.deps if dep.origin == "git"]
    for dep in stage.deps:
        kind, _, owner = dep.origin.partition(":")
        if kind == "stage":
            below = (_stage(by_name[owner], by_name, drawn),) if owner in by_name else ()
            yield Tree(_named(dep), below)
        elif dep.origin != "git":
            yield Tree(f"{_named(dep)}, {_ORIGINS.get(kind, kind).format(owner)}")
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

"""Small catalogs whose records share data in every way, for trace and impact."""

import dataclasses

from hypothesis import strategies as st

from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageOutput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.samples import digest, digests, make_record, run_key

FILES = [f"file {number}" for number in range(6)]


def chained(
    run: int, model: str, steps: list[tuple[str, str, str]], read: str, makes: str | None = None
) -> LineageRecord:
    """Return a record whose steps each read a file and made another two, and whose training read one.

    Args:
        run: which run.
        model: the model.
        steps: what each step read, made, and made beside; a step that read what an earlier one made follows it.
        read: what the training read.
        makes: the file that is the model; one of its own by default.
    """
    made: dict[str, str] = {}
    stages = []
    for number, (used, out, beside) in enumerate(steps):
        origin = f"stage:{made[used]}" if used in made else "tracked:data.dvc"
        name = f"step {number}"
        stages.append(
            StageRun(
                name=name,
                command="run",
                deps=(StageInput(path=f"data/{used}", digest=_md5(used), origin=origin),),
                outs=tuple(
                    StageOutput(path=f"data/{each}", digest=_md5(each)) for each in dict.fromkeys((out, beside))
                ),
                lock=digest(name),
            )
        )
        made |= {out: name, beside: name}
    snapshot = DatasetSnapshot(
        name="train",
        role="train",
        path=f"data/{read}",
        digest=digests(read),
        size=1,
        files=1,
        produced_by=made.get(read),
    )
    record = make_record(run=str(run), model=model)
    identity = dataclasses.replace(record.model, run_key=run_key(f"{model} {run}"))
    artifact = dataclasses.replace(record.artifact, digest=digest(makes or f"model of {model} {run}"))
    return dataclasses.replace(record, model=identity, data=(snapshot,), stages=tuple(stages), artifact=artifact)


def _md5(text: str) -> DigestSet:
    """What dvc.lock says of a file: its MD5 alone."""
    return DigestSet(md5=digests(text).md5)


def with_source(record: LineageRecord, **files: str) -> LineageRecord:
    """Return a record whose training function reaches other files."""
    found = tuple(SourceFile(path=f"{name}.py", sha256=digest(text).hex) for name, text in files.items())
    source = SourceClosure(entry="flights.train:train", files=found, digest=digest(repr(found)))
    return dataclasses.replace(record, code=dataclasses.replace(record.code, source=source))


@st.composite
def catalogs(draw: st.DrawFn) -> list[LineageRecord]:
    """Return the records of a small catalog, every file of which is known by its MD5 and perhaps its SHA-256.

    What one trained, another may have read.
    """
    file = st.sampled_from(FILES)
    records = []
    for run in range(draw(st.integers(1, 5))):
        order = draw(st.permutations(FILES))
        count = draw(st.integers(0, 2))
        steps = [(order[n], order[n + 1], order[n + 2 if n + 2 < len(order) else n]) for n in range(count)]
        model = draw(st.sampled_from(["one", "other"]))
        records.append(chained(run, model, steps, draw(file), draw(st.none() | file)))
    return records

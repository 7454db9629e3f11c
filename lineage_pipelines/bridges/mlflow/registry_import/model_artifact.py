"""What a record says of a version's file and of the libraries around it, as far as the model folder tells."""

from collections.abc import Callable, Mapping

from lineage_pipelines.bridges.mlflow.param_codec import plain
from lineage_pipelines.bridges.mlflow.registry_import.completeness_builder import UNKNOWN, Graded
from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import MANIFEST, KeptFolder
from lineage_pipelines.records.statement.code import Environment
from lineage_pipelines.records.statement.training_run import ModelFile
from lineage_pipelines.records.values.digest import Digest

REFERENCE = "mlflow-reference"
"""The format of a model whose files are not here: its digest is that of a note on where they were."""
_ESTIMATOR = "estimator_class"
"""The tag in which MLflow's autologging keeps the estimator's qualified name."""
_LONGEST = 300
Keep = Callable[[bytes], Digest]
"""Keeps a blob, and returns its name."""


def read_environment(folder: KeptFolder | str, keep: Keep, graded: Graded) -> Environment:
    """Return the interpreter and the libraries that the folder asks for."""
    described = None if isinstance(folder, str) else folder.described
    lines = described.requirements if described else ()
    if described and described.python:
        graded.derives("environment.python", "the model folder asks for it")
    else:
        graded.lacks("environment.python", "nothing in MLflow that was read says it")
    if lines:
        what = "requirements.txt of the model folder: what it asks for, not everything that was installed"
        graded.derives("environment.packages", what)
    else:
        graded.lacks("environment.packages", "no list of libraries was read")
    graded.lacks("environment.platform", "MLflow does not record the machine")
    return Environment(
        python=f"CPython {described.python}" if described and described.python else UNKNOWN,
        platform=UNKNOWN,
        cpu=UNKNOWN,
        packages=keep("".join(f"{line}\n" for line in lines).encode()),
        package_count=len(lines),
    )


def read_model_file(
    folder: KeptFolder | str, note: bytes, tags: Mapping[str, str], keep: Keep, graded: Graded
) -> ModelFile:
    """Return the record's subject: the folder's list, or the note on where it was.

    Args:
        folder: the files, or why they are not here.
        note: what stands for them then.
        tags: the run's.
        keep: keeps a blob.
        graded: where to say what is not known.
    """
    estimator = plain(tags.get(_ESTIMATOR, ""))[:_LONGEST]
    loader = "" if isinstance(folder, str) else folder.described.loader or ""
    if not estimator:
        graded.lacks("artifact.estimator", f"only its loader is known: {loader}" if loader else "nothing says it")
    if isinstance(folder, str):
        graded.lacks("artifact", folder)
        return ModelFile(format=REFERENCE, size=0, estimator=estimator or UNKNOWN, digest=keep(note))
    for name in folder.left_out:
        graded.lacks("artifact.example", f"{name} holds rows of data, and is left out")
    graded.derives("artifact", "the files that MLflow has now; it keeps no digest to compare them with")
    return ModelFile(
        format=MANIFEST,
        size=folder.size,
        estimator=estimator or loader or UNKNOWN,
        requirements=folder.described.requirements,
        digest=folder.digest,
    )

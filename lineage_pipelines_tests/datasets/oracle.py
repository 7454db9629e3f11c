"""What DVC itself says, to hold ours against."""

import contextlib
from pathlib import Path

Graph = tuple[frozenset[str], frozenset[tuple[str, str]]]


def dvc_graph(root: Path) -> Graph | str:
    """Return the nodes and edges (consumer, producer) of `dvc dag`, or its error."""
    from dvc.repo import Repo

    # DVC names nodes from where the process stands.
    with contextlib.chdir(root):
        try:
            with Repo(str(root)) as repo:
                graph = repo.index.graph
                nodes = frozenset(stage.addressing for stage in graph.nodes)
                return nodes, frozenset((user.addressing, maker.addressing) for user, maker in graph.edges)
        except Exception as error:  # noqa: BLE001  # DVC refuses bad input with any error
            return f"{type(error).__name__}: {error}"

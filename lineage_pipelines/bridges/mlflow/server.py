"""Server of MLflow, or its store: how to connect, and what its errors mean."""

import contextlib
import importlib.util
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from lineage_pipelines.capture.git.public_url import public_url
from lineage_pipelines.errors import BridgeError, LineageError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.store.entities import PagedList

_Thing = TypeVar("_Thing")
TIMEOUT_SECONDS = 30
"""How long an answer of the server is waited for, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
_REFUSALS = frozenset(
    {
        "ALREADY_EXISTS",
        "BAD_REQUEST",
        "INVALID_PARAMETER_VALUE",
        "INVALID_STATE",
        "NOT_FOUND",
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_CONFLICT",
        "RESOURCE_DOES_NOT_EXIST",
    }
)
_CAUSES = re.compile(
    r"Connection refused|[Rr]ead timed out|[Cc]onnect(ion)?( to \S+)? timed out|Connection reset by peer"
    r"|No route to host|Name or service not known|Temporary failure in name resolution|certificate verify failed"
    r"|too many 50\d error responses"
)
_CREDENTIALS = re.compile(r"//[^/@\s'\"]*@")


class RefusedError(BridgeError):
    """MLflow was reached and refuses this one thing; asking again gives the same answer."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", code: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code
        """MLflow's error code."""


class LostServerError(BridgeError):
    """MLflow cannot be reached, or cannot answer now. What was sent last may have been done."""


def is_tracking_uri(address: str) -> bool:
    """Return whether MLflow may know such an address: a URL, a scheme of its own, or a folder that exists."""
    return "://" in address or address.startswith(("file:", "databricks", "uc")) or Path(address).is_dir()


def is_installed() -> bool:
    """Say whether the extra `mlflow` is installed, without importing it."""
    return importlib.util.find_spec("mlflow") is not None


def connect(address: str, *, retries: int) -> "MlflowClient":
    """Return MLflow's own client of a server or store, and make it the one that MLflow itself uses in this process.

    Call it in a process of our own only: MLflow takes its timeouts, retries and output from the
    environment, and its SQL registry asks the tracking store of the process.

    Args:
        address: `http://…`, `https://…`, `sqlite:///…` or another tracking URI of MLflow.
        retries: how often MLflow's client asks again by itself; 0 where asking twice would make two.

    Raises:
        BridgeError: MLflow is not installed, or does not know such addresses.
    """
    if not is_installed():
        fix = "pip install 'lineage-pipelines[mlflow]'"
        raise BridgeError("MLflow is not installed", where=public_address(address), fix=fix)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(TIMEOUT_SECONDS))
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = str(retries)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with translated_errors(address):
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)
        return mlflow.MlflowClient(tracking_uri=address, registry_uri=address)


@contextlib.contextmanager
def translated_errors(address: str) -> Iterator[None]:
    """Turn MLflow's errors into ours.

    Raises:
        RefusedError: it refuses what it was asked.
        LostServerError: it cannot be reached, or cannot answer.
    """
    import requests  # MLflow's own client
    from mlflow.exceptions import MlflowException

    try:
        yield
    except LineageError:
        raise
    except MlflowException as error:
        code = str(error.error_code)
        words = _plain(error.message)
        if code in _REFUSALS:
            raise RefusedError(f"MLflow refuses: {words}", where=public_address(address), code=code) from error
        raise _lost(words, address) from error
    except (requests.RequestException, OSError) as error:
        raise _lost(_plain(str(error)), address) from error


def read_pages(address: str, ask: "Callable[[str | None], PagedList[_Thing]]") -> "Iterator[PagedList[_Thing]]":
    """Yield every page of a search in MLflow.

    Args:
        address: the server or store, for errors.
        ask: the search, called with the token of the page that it is to return; None for the first.

    Raises:
        RefusedError: MLflow refuses the search.
        LostServerError: it cannot be reached, or cannot answer.
    """
    token = None
    while True:
        with translated_errors(address):
            page = ask(token)
        yield page
        token = page.token
        if not token:
            return


def _lost(words: str, address: str) -> LostServerError:
    fix = "see whether MLflow runs there and lets you in (MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN)"
    return LostServerError(f"MLflow does not answer: {words}", where=public_address(address), fix=fix)


def _plain(words: str) -> str:
    # The cause of a failed connection is at the end of three nested errors.
    cause = _CAUSES.search(words)
    return cause[0] if cause else _CREDENTIALS.sub("//", " ".join(words.split()))[:300]


def public_address(address: str) -> str:
    """Return an address that may be shown and recorded: without passwords and this machine's folders."""
    return public_url(address) or f"{address.partition(':')[0]}:{PurePosixPath(address).name}"

"""Trusted types: what a reader of a model file lets come to life, whatever the file or its record asks for.

skops instantiates the types, and hands out the functions, that its caller names. By default those are the classes of
scikit-learn, NumPy and SciPy that models consist of, and the functions of theirs that estimators take as parameters;
not every name below those packages, where there are functions that write files, run programs and read pickles, classes
that remove a folder when they are deleted, and names imported from elsewhere. More are trusted only by the reader.
"""

import inspect
import pkgutil
from collections.abc import Collection

from lineage_pipelines.errors import ArtifactError

LIBRARIES = ("sklearn.", "numpy.", "scipy.")
_CLASSES = (
    "sklearn.",
    *("numpy.ma.", "numpy.random.", "numpy.polynomial.", "numpy._core.", "numpy.core.", "numpy.dtypes."),
    *("scipy.interpolate.", "scipy.linalg.", "scipy.optimize.", "scipy.sparse.", "scipy.spatial.", "scipy.special."),
    *("scipy.stats.", "scipy._lib."),
)
_FUNCTIONS = (
    *("sklearn.metrics.", "sklearn.feature_selection.", "sklearn.preprocessing.", "sklearn.gaussian_process."),
    *("sklearn.neighbors.", "sklearn.kernel_approximation.", "sklearn.utils.extmath.", "sklearn.utils.fixes."),
    *("sklearn._loss.", "sklearn.cluster.", "sklearn.ensemble.", "sklearn.decomposition.", "sklearn.utils.validation."),
    *("scipy.spatial.distance.", "scipy.special.", "scipy.stats.", "scipy.optimize.", "scipy.linalg."),
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
)
_NUMPY_FUNCTIONS = (
    *("abs", "all", "amax", "amin", "angle", "any", "argmax", "argmin", "argsort", "around", "array"),
    *("asarray", "average", "clip", "column_stack", "concatenate", "cumprod", "cumsum", "diff", "digitize"),
    *("dot", "expand_dims", "flip", "hstack", "i0", "imag", "interp", "isclose", "isin", "isnan", "max"),
    *("mean", "median", "min", "nan_to_num", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile"),
    *("nanquantile", "nanstd", "nansum", "nanvar", "percentile", "prod", "quantile", "ravel", "real", "repeat"),
    *("reshape", "roll", "round", "searchsorted", "sinc", "sort", "squeeze", "stack", "std", "sum", "take"),
    *("tile", "transpose", "unique", "unwrap", "var", "vstack", "where"),
)
_NUMPY_CLASSES = ("dtype", "ndarray", "matrix", "recarray", "record", "poly1d", "generic")
"""Of NumPy's own name, with every class of numbers and texts (`numpy.generic`)."""
_NEVER = (
    *(".tests.", ".conftest.", ".externals.", "sklearn.datasets.", "sklearn.utils._testing.", "sklearn.experimental."),
    *("scipy._lib._testutils.", "numpy._core.memmap", "numpy.core.memmap"),
)
_HARMLESS = frozenset(["functools.partial"])
"""Of the standard library: a partial calls nothing when it is loaded, and its file says what it would call."""


def outside_trust(names: Collection[str], trusted: Collection[str] = ()) -> tuple[str, ...]:
    """Return which types a reader does not trust, sorted.

    Args:
        names: qualified names, beyond those that skops trusts itself.
        trusted: names that the reader trusts beyond the default.
    """
    return tuple(sorted(name for name in names if name not in trusted and not _is_trusted(name)))


def refuse_untrusted(
    names: Collection[str], trusted: Collection[str], *, asked_by: str, also: Collection[str] = ()
) -> None:
    """Raise if a model asks for types that a reader does not trust.

    Args:
        names: qualified names that the model needs.
        trusted: names that the reader trusts beyond the default.
        asked_by: the record or the file that asks for them.
        also: names that are not trusted for what the file does with them.

    Raises:
        ArtifactError: it does; the message names them.
    """
    outside = sorted({*outside_trust(names, trusted), *also})
    if outside:
        lines = ", ".join(f'"{name}"' for name in outside)
        raise ArtifactError(
            f"the model needs types that are not trusted here: {', '.join(outside)}",
            where=asked_by,
            fix=f"do not load it unless you have read their code; then write [tool.lineage] trusted_types = [{lines}]",
        )


def _is_trusted(name: str) -> bool:
    if name in _HARMLESS:
        return True
    if not name.startswith(LIBRARIES) or any(part in f"{name}." for part in _NEVER):
        return False
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return False
    if f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}" != name:
        return False  # imported into that module from another
    module, _, own = name.rpartition(".")
    if inspect.isclass(found):
        plain = module == "numpy" and (own in _NUMPY_CLASSES or _is_scalar(found))
        return (plain or name.startswith(_CLASSES)) and not hasattr(found, "__del__")
    return name.startswith(_FUNCTIONS) or (module == "numpy" and own in _NUMPY_FUNCTIONS)


def _is_scalar(found: type) -> bool:
    return any(f"{base.__module__}.{base.__name__}" == "numpy.generic" for base in found.__mro__)

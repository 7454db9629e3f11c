"""Object state: one digest of everything that an object holds, the same in every process that holds the same object.

Types count by name and numbers by their bits, so that 1, 1.0, True, numpy's 1 and "1" differ, as do 0.0 and -0.0 and
different NaNs. The order of dicts counts, that of sets does not. What is held twice counts as held twice, and cycles
end. Objects are taken apart as pickle and copy do it (`__reduce_ex__`, `__getstate__`), without calling what they name.
"""

import copyreg
import hashlib
import struct
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np

WALK = 1
"""The version of this walk: a digest is compared with one of the same version only."""
_BUFFER = 1 << 18
_LONGEST = 64
_MAX_TRACE = 200_000
_SHOWN = 40


def state_digest(value: object) -> str:
    """Return the SHA-256 (hex) of the state of an object.

    Raises:
        TypeError: a part of it has no state that could be compared; the message names the part.
    """
    return _Walk().digest(value)


def state_trace(value: object) -> dict[str, str]:
    """Return the digest of every part of an object by its path, `.steps[0][1].mean_`; inner parts before outer ones.

    Raises:
        TypeError: as `state_digest`.
    """
    walk = _Walk(trace={})
    walk.digest(value)
    return walk.trace or {}


class _Walk:
    """One walk over an object; returns short tokens, which are the value of small leaves and digests of all else."""

    def __init__(self, trace: dict[str, str] | None = None) -> None:
        self.trace = trace
        self._path: list[str] = []
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []
        """Everything that has a number: what `__getstate__` makes must not give its address to another object."""
        self._above: list[object] = []

    def digest(self, value: object) -> str:
        try:
            return hashlib.sha256(self.token(value)).hexdigest()
        except RecursionError:
            raise self._uncomparable(value, "it is nested too deeply") from None

    def token(self, value: object) -> bytes:
        token = self._token(value)
        if self.trace is not None and len(self.trace) < _MAX_TRACE:
            self.trace["".join(self._path)] = hashlib.sha256(token).hexdigest()[:16]
        return token

    def _token(self, value: object) -> bytes:
        leaf = _LEAVES.get(type(value))
        if leaf is not None:
            return _tagged(type(value).__name__, leaf(value))
        if isinstance(value, type | types.FunctionType | types.ModuleType):
            return _tagged("name", _name(value))
        if type(value) is tuple:  # no number: Python itself shares equal tuples
            return _hashed("tuple", self._members(value))
        number = self._numbers.get(id(value))
        if number is not None:
            return _tagged("same", b"%d" % number)
        self._numbers[id(value)] = len(self._numbers)
        self._alive.append(value)
        self._above.append(value)
        try:
            return _hashed(_type_name(value), self._parts(value))
        finally:
            self._above.pop()

    # Parts

    def _parts(self, value: Any) -> Iterator[bytes]:  # noqa: ANN401
        if type(value) is list:
            yield from self._members(value)
        elif type(value) is dict:
            yield from self._items(value)
        elif isinstance(value, set | frozenset):
            yield from sorted(self._apart(each) for each in value)
            yield from self._fields(getattr(value, "__dict__", None) or {})
        elif isinstance(value, np.generic | np.ndarray):
            yield from self._array(value)
        elif isinstance(value, np.dtype):
            yield repr(np.lib.format.dtype_to_descr(value)).encode()
        else:
            own = _own_fields(value)
            yield from self._fields(own) if own is not None else self._reduced(value)

    def _members(self, values: Iterable[object], step: str = "[{}]") -> Iterator[bytes]:
        for place, each in enumerate(values):
            yield self._at(step.format(place), each)

    def _items(self, values: Iterable[object] | Mapping[Any, object]) -> Iterator[bytes]:
        for key, each in values.items() if isinstance(values, Mapping) else values:  # type: ignore[misc]
            name = f"[{_short(key)}]"
            yield self._at(f"{name} (key)", key)
            yield self._at(name, each)

    def _fields(self, values: Mapping[str, object]) -> Iterator[bytes]:
        for name, each in sorted(values.items()):  # the order of attributes has no meaning
            yield _tagged("field", name.encode("utf-8", "surrogatepass"))
            yield self._at(f".{name}", each)

    def _at(self, step: str, value: object) -> bytes:
        self._path.append(step)
        try:
            return self.token(value)
        finally:
            self._path.pop()

    def _apart(self, value: object) -> bytes:
        # The members of a set have no order, so they are numbered each by itself, below what holds the set.
        numbers, trace = self._numbers, self.trace
        self._numbers = {id(each): depth for depth, each in enumerate(self._above)}
        self.trace = None
        try:
            return self.token(value)
        finally:
            self._numbers, self.trace = numbers, trace

    def _array(self, value: Any) -> Iterator[bytes]:  # noqa: ANN401
        array = np.asarray(value)  # of a memory map or a masked array the values
        yield repr(
            (np.lib.format.dtype_to_descr(array.dtype) if not array.dtype.hasobject else "O", array.shape)
        ).encode()
        if array.dtype.names is not None:  # by field: between them there may be bytes of no meaning
            for name in array.dtype.names:
                yield self._at(f"[{name!r}]", array[name])
        elif array.dtype.hasobject or array.dtype.kind == "T":
            yield from self._members(array.ravel().tolist())
        else:
            yield _array_bytes(array)
        if isinstance(value, np.ma.MaskedArray):
            yield self._at(".mask", np.ma.getmaskarray(value))
        elif not isinstance(value, np.memmap):
            yield from self._fields(getattr(value, "__dict__", None) or {})

    def _reduced(self, value: Any) -> Iterator[bytes]:  # noqa: ANN401
        try:
            registered = copyreg.dispatch_table.get(type(value))
            reduced = registered(value) if registered else value.__reduce_ex__(4)
        except Exception as error:
            raise self._uncomparable(value, str(error)) from error
        if isinstance(reduced, str):
            yield _tagged("name", _name(value, reduced))
            return
        make, arguments, state, listed, mapped = (*reduced, None, None, None)[:5]
        if make is not copyreg.__newobj__ or len(arguments) > 1:  # type: ignore[attr-defined]
            yield self._at(" (made by)", make)
            yield from self._members(arguments, " (argument {})")
        yield from self._state(value, state)
        yield from self._members(listed or ())
        yield from self._items(mapped or ())

    def _state(self, value: object, state: object) -> Iterator[bytes]:
        for part in state if _is_pair_of_dicts(state) else (state,):
            if isinstance(part, dict) and all(isinstance(name, str) for name in part):
                yield from self._fields({name: each for name, each in part.items() if not _is_incidental(value, name)})
            elif part is not None:
                yield self._at(" (state)", part)

    def _uncomparable(self, value: object, why: str) -> TypeError:
        return TypeError(f"{''.join(self._path).lstrip('.') or 'the object'} ({_type_name(value)}): {why}")


# Leaves

_LEAVES: Mapping[type, Callable[[Any], bytes]] = {
    types.NoneType: lambda _: b"",
    types.EllipsisType: lambda _: b"",
    bool: lambda value: b"%d" % value,
    int: lambda value: hex(value).encode(),
    float: lambda value: struct.pack("<d", value),
    complex: lambda value: struct.pack("<dd", value.real, value.imag),
    str: lambda value: value.encode("utf-8", "surrogatepass"),
    bytes: bytes,
    bytearray: bytes,
    range: lambda value: repr(value).encode(),
}


def _array_bytes(array: "np.ndarray[Any, Any]") -> bytes:
    digest = hashlib.sha256()
    flags = ("external_loop", "buffered", "zerosize_ok")
    if array.flags.c_contiguous and array.size:
        digest.update(array.reshape(-1).view(np.uint8).data if array.itemsize else b"")
    else:  # in blocks: a copy of the whole might not fit
        for block in np.nditer(array, flags=flags, order="C", buffersize=_BUFFER):  # type: ignore[call-overload]
            digest.update(block.tobytes())
    return digest.digest()


def _tagged(tag: str, payload: bytes) -> bytes:
    token = b"%s:%d:%s" % (tag.encode(), len(payload), payload)
    return token if len(token) <= _LONGEST else b"#" + hashlib.sha256(token).digest()


def _hashed(tag: str, parts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256(b"%s;" % tag.encode())
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return b"#" + digest.digest()


def _name(value: Any, name: str | None = None) -> bytes:  # noqa: ANN401
    own = name or getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return f"{getattr(value, '__module__', None) or ''}.{own}".encode()


def _type_name(value: object) -> str:
    kind = np.ndarray if isinstance(value, np.memmap) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _short(key: object) -> str:
    text = repr(key) if isinstance(key, str | int | float | bool | None) else f"{type(key).__name__} {key!s}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_pair_of_dicts(state: object) -> TypeGuard[tuple[object, object]]:
    return (
        isinstance(state, tuple)
        and len(state) == 2  # noqa: PLR2004  # of an object with slots: attributes and slots
        and all(part is None or isinstance(part, dict) for part in state)
    )


# Types whose state has more in it than what they say


def _is_incidental(value: object, name: str) -> bool:
    """Return whether a field says nothing of the object: which release wrote it, and what has been looked up of it."""
    if type(value).__module__.startswith("scipy.sparse"):
        return name.startswith("_has_") or name == "maxprint"
    return name == "_sklearn_version"


def _own_fields(value: Any) -> Mapping[str, object] | None:  # noqa: ANN401
    """Return the fields of a type whose state depends on more than its value; None for all others."""
    own = _OWN.get(_type_name(value))
    if own is not None:
        return own(value)
    return _pandas_fields(value) if type(value).__module__.partition(".")[0] == "pandas" else None


_OWN: Mapping[str, Callable[[Any], Mapping[str, object]]] = {
    "functools.partial": lambda value: {
        "func": value.func,
        "args": value.args,
        "keywords": dict(value.keywords),
        "attributes": dict(vars(value)),
    },
    "numpy.random.mtrand.RandomState": lambda value: {"state": value.get_state(legacy=False)},
    "numpy.random._generator.Generator": lambda value: {
        "state": value.bit_generator.state,
        "seed": getattr(value.bit_generator.seed_seq, "state", None),
    },
}


def _pandas_fields(value: Any) -> Mapping[str, object] | None:  # noqa: ANN401
    # By values: blocks, caches and buffers differ between equal tables.
    kinds = [kind.__name__ for kind in type(value).__mro__]
    return next((fields(value) for kind, fields in _PANDAS.items() if kind in kinds), None)


def _index_values(index: Any) -> object:  # noqa: ANN401
    levels = [index.get_level_values(level).array for level in range(index.nlevels)]
    return levels if index.nlevels > 1 else index.array


_PANDAS: Mapping[str, Callable[[Any], Mapping[str, object]]] = {
    "DataFrame": lambda value: {
        "columns": value.columns,
        "index": value.index,
        "values": [value.iloc[:, place].array for place in range(value.shape[1])],
        "attrs": dict(value.attrs),
    },
    "Series": lambda value: {
        "name": value.name,
        "index": value.index,
        "values": value.array,
        "attrs": dict(value.attrs),
    },
    "Index": lambda value: {
        "names": list(value.names),
        "values": _index_values(value),
        "freq": str(getattr(value, "freq", None)),
    },
    "Categorical": lambda value: {
        "categories": value.categories,
        "ordered": value.ordered,
        "codes": np.asarray(value.codes),
    },
    "NumpyExtensionArray": lambda value: {"values": value.to_numpy()},
    "ExtensionArray": lambda value: {"dtype": str(value.dtype), "values": value.to_numpy(dtype=object)},
}

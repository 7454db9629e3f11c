"""Thread pool for work on many files: hashing and copying leave the interpreter free for each other."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_SMALL = 16 << 10
"""Below this many bytes a file costs more interpreter time than hashing, and threads only wait for each other."""


def spread(work: Callable[[_Item], _Result], items: Sequence[_Item], *, size: Callable[[_Item], int]) -> list[_Result]:
    """Return what `work` returns for each item, in the order of the items.

    Large items are started first, each in a free thread; all small ones together in one thread.

    Args:
        work: called in another thread.
        items: the items to work on.
        size: returns the approximate size of an item in bytes.

    Raises:
        Exception: the first exception that `work` raised; items that have not been started are skipped.
    """
    results: dict[int, _Result] = {}

    def run(batch: Sequence[int]) -> None:
        for index in batch:
            results[index] = work(items[index])

    batches = _batches([size(item) for item in items])
    if len(batches) <= 1:
        for batch in batches:
            run(batch)
    else:
        _run_all(run, batches)
    return [results[index] for index in range(len(items))]


def _batches(sizes: Sequence[int]) -> list[list[int]]:
    large = [index for index, size in enumerate(sizes) if size >= _SMALL]
    large.sort(key=lambda index: -sizes[index])
    small = [index for index, size in enumerate(sizes) if size < _SMALL]
    return [*([index] for index in large), *([small] if small else [])]


def _run_all(run: Callable[[Sequence[int]], None], batches: Sequence[Sequence[int]]) -> None:
    from concurrent.futures import ThreadPoolExecutor, as_completed  # takes longer to import than small data to read

    with ThreadPoolExecutor(min(len(batches), cores())) as pool:
        try:
            for job in as_completed([pool.submit(run, batch) for batch in batches]):
                job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

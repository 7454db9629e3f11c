"""Reader pool: the entries of a log, read by several processes at once, in the order of the log.

This process alone reads the database, in one transaction; the others get entries through a pipe and send back what they
read, so that any database will do. They are programs of their own, not forks, which the threads of Dagster would not
survive, and import nothing of the program that starts them.
"""

import contextlib
import json
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from lineage_pipelines.catalog.log.entries import KEY, LogEntry
from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.verify.entry_reader import BatchReading, EntryReader
from lineage_pipelines.records.decisions.key_event import decode_key_event

MIN_ENTRIES = 5_000
"""A shorter log is read before other processes have started."""
_MAX_WORKERS = 4
_BATCH, _BATCH_BYTES = 200, 1 << 20
_WAITING = 2
"""How many batches each process has ahead of it."""
_Batch = list[LogEntry]


def useful_workers(entries: int) -> int:
    """Return how many processes to read a log with: 0 for this one alone."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MAX_WORKERS) if cores > 1 and entries >= MIN_ENTRIES else 0


def read_log(
    entries: Iterable[LogEntry], reader: EntryReader, workers: int
) -> Iterator[tuple[list[LogEntry], BatchReading]]:
    """Yield the entries in batches, in order, with what was read of them.

    Args:
        entries: the entries, in order; taken from this thread alone.
        reader: the reader.
        workers: how many processes read; 0 for this one alone.
    """
    if not workers:
        for batch, keys in _batches(entries):
            yield batch, reader.read(batch, keys)
        return
    with ReaderPool(reader, workers) as pool:
        waiting: deque[tuple[_Batch, Future[BatchReading]]] = deque()
        for batch, keys in _batches(entries):
            waiting.append((batch, pool.submit(batch, keys)))
            if len(waiting) > workers * _WAITING:
                batch_read, future = waiting.popleft()
                yield batch_read, future.result()
        while waiting:
            batch_read, future = waiting.popleft()
            yield batch_read, future.result()


def _batches(entries: Iterable[LogEntry]) -> Iterator[tuple[_Batch, Mapping[str, str]]]:
    """Yield batches with the public keys that the log has introduced by their ends."""
    keys: dict[str, str] = {}
    batch: _Batch = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += len(entry.body)
        if entry.kind == KEY:
            keys = keys | _introduced(entry)
        if len(batch) == _BATCH or size > _BATCH_BYTES:
            yield batch, keys
            batch, size = [], 0
    if batch:
        yield batch, keys


def _introduced(entry: LogEntry) -> dict[str, str]:
    with contextlib.suppress(RecordError):  # reported when the entry is checked
        event = decode_key_event(entry.body)
        return {event.key: event.public} if event.public else {}
    return {}


class ReaderPool:
    """Processes that read entries. If one of them ends early, its work is done by this process.

    Args:
        reader: the reader that each of them uses.
        workers: how many there are.
    """

    def __init__(self, reader: EntryReader, workers: int) -> None:
        self._reader = reader
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reader")
        self._processes = [_start() for _ in range(workers)]
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._processes:
            self._idle.put(process)

    def __enter__(self) -> "ReaderPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.kill()  # it only computes
            with contextlib.suppress(OSError):
                process.communicate()

    def submit(self, batch: _Batch, keys: Mapping[str, str]) -> "Future[BatchReading]":
        """Have a batch read by the next process that is idle."""
        return self._threads.submit(self._read, batch, keys)

    def _read(self, batch: _Batch, keys: Mapping[str, str]) -> BatchReading:
        process = self._idle.get()
        try:
            assert process.stdin is not None  # noqa: S101  # see _start
            assert process.stdout is not None  # noqa: S101
            pickle.dump((self._reader, batch, keys), process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            answer: BatchReading = pickle.load(process.stdout)  # noqa: S301  # from our own child, by our own pipe
        except (OSError, EOFError, pickle.UnpicklingError):  # it was killed
            return self._reader.read(batch, keys)
        finally:
            self._idle.put(process)
        return answer


def _start() -> "subprocess.Popen[bytes]":
    code = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    code += f"from {__name__} import serve; serve()"
    return subprocess.Popen(
        # -P: the current folder, which may be a foreign checkout, is not on the path before our own is set.
        [sys.executable, "-P", "-c", code, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt of the terminal is for the process that asks
    )


def serve() -> None:
    """Read batches from standard input and write what was read to standard output, until the input ends."""
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reader: EntryReader | None = None  # with its caches
    while True:
        try:
            asked, batch, keys = pickle.load(given)  # noqa: S301  # from the process that started this one
        except EOFError:
            return
        reader = reader if reader is not None and reader == asked else asked
        pickle.dump(reader.read(batch, keys), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()

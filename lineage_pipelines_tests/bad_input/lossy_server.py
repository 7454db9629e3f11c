"""A wire to a PostgreSQL server that dies while it is told to commit: before it hears it, or after it has done so."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from lineage_pipelines_tests.postgres_server import Server

_PART = 1 << 16


class LossyWire:
    """Passes everything on between a client and a server, until an entry is to be committed.

    Args:
        server: the server, which is killed then.
        heard: whether it commits first, and only its answer is lost.
    """

    def __init__(self, server: Server, *, heard: bool) -> None:
        self._server = server
        self._heard = heard
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def serve(self) -> None:
        """Accept clients, one after the other, until the wire is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                with client, socket.create_connection(("127.0.0.1", self._server.port)) as server:
                    self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        answers = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
        answers.start()
        written = False
        with contextlib.suppress(OSError):
            while part := client.recv(_PART):
                written = written or b"INSERT INTO log" in part
                if written and b"COMMIT" in part:
                    self._lose(part, client, server)
                    return
                server.sendall(part)

    def _lose(self, part: bytes, client: socket.socket, server: socket.socket) -> None:
        client.shutdown(socket.SHUT_WR)  # no answer goes back from here on
        if self._heard:
            server.sendall(part)
            self._wait_until_committed()
        self._server.kill()
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _wait_until_committed(self) -> None:
        import psycopg

        busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lineage' AND state <> 'idle'"
        with contextlib.closing(psycopg.connect(self._server.address("postgres"), autocommit=True)) as connection:
            while connection.execute(busy).fetchone() != (0,):
                pass

    def close(self) -> None:
        """Accept nobody any more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(_PART):
            target.sendall(part)


@contextlib.contextmanager
def lossy_wire(server: Server, *, heard: bool) -> Iterator[int]:
    """Lay such a wire; yield its port."""
    wire = LossyWire(server, heard=heard)
    serving = threading.Thread(target=wire.serve, daemon=True)
    serving.start()
    try:
        yield wire.port
    finally:
        wire.close()
        serving.join(10)

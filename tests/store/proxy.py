"""A go-between before a PostgreSQL server that passes everything on until it is told to lose a connection."""

import socket
import threading
from enum import Enum, auto
from types import TracebackType
from typing import Self

from sqlalchemy.engine import make_url


class Loss(Enum):
    """What is lost with a connection."""

    REQUEST = auto()
    """What the client says: the server never hears of it."""
    REPLY = auto()
    """What the server answers: it has done what was asked, and the client never hears of it."""


class Proxy:
    """Listens on a port of its own for the server of a URL; loses no connection unless it is told to.

    A client that has been answered is silent until it asks again, so what it says after `lose_next` is a whole request.
    """

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._next: Loss | None = None
        self._connections: list[_Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.lost: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.lose_all()

    def url(self, database: str) -> str:
        """The URL of a database by way of this proxy."""
        host, port = self._listener.getsockname()
        through = make_url(f"postgresql+psycopg://{self._server.username}@{host}:{port}/{database}")
        return through.render_as_string(hide_password=False)

    def lose_next(self, loss: Loss) -> None:
        """Lose the connection that next asks for something, with its request or with the reply to it."""
        self._next = loss

    def lose_all(self) -> None:
        """Lose every connection that there is, and take new ones."""
        for connection in self._connections:
            connection.lose()

    def take(self, request: bytes) -> Loss | None:
        """What to lose with a request, if anything."""
        loss, self._next = self._next, None
        if loss is not None:
            self.lost.append(request)
        return loss

    def _accept(self) -> None:
        with self._listener:
            while client := _accepted(self._listener):
                self._connections.append(_Connection(self, client, _connected(self._server.query["host"])))


class _Connection:
    """One client, one session of the server, and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._loses_reply = False
        for direction in (self._pass_requests, self._pass_replies):
            threading.Thread(target=direction, daemon=True).start()

    def lose(self) -> None:
        """End both halves, and let the threads notice."""
        for end in (self._client, self._server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended already
                continue

    def _pass_requests(self) -> None:
        with self._client:
            while request := _received(self._client):
                loss = self._proxy.take(request)
                if loss is Loss.REQUEST:
                    break
                self._loses_reply |= loss is Loss.REPLY
                if not _sent(self._server, request):
                    break
            self.lose()

    def _pass_replies(self) -> None:
        with self._server:
            while reply := _received(self._server):
                if self._loses_reply or not _sent(self._client, reply):
                    break
            self.lose()


def _accepted(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except OSError:  # nobody listens any more
        return None


def _connected(folder: object) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{folder}/.s.PGSQL.5432")
    return server


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


def _sent(end: socket.socket, what: bytes) -> bool:
    try:
        end.sendall(what)
    except OSError:
        return False
    return True

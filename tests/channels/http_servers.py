"""HTTP servers on free ports of 127.0.0.1 that follow a script to the byte, and whom we connect to."""

import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.channels.servers import Line, Scripted

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"id":"e_1"}'


def request(line: Line) -> bytes:
    """The next request on this line: its head is kept under `commands`, its body under `bodies`."""
    head = ""
    while not head.endswith("\r\n\r\n"):
        got = line._file.readline().decode("latin-1")
        if not got:
            raise ConnectionError("closed")
        head += got
    line.server.commands.append(head)
    sizes = [row.split(":")[1] for row in head.lower().split("\r\n") if row.startswith("content-length:")]
    line.server.bodies.append(line._file.read(int(sizes[0])) if sizes else b"")
    return line.server.bodies[-1]


def answer(*pieces: bytes) -> Callable[[Line], None]:
    """A conversation: one request, then these bytes, then the end of the connection."""

    def conversation(line: Line) -> None:
        request(line)
        for piece in pieces:
            line.connection.sendall(piece)

    return conversation


def serve(line: Line) -> None:
    """A conversation that answers well for as long as it is asked."""
    while True:
        request(line)
        line.connection.sendall(OK)


def silent(line: Line) -> None:
    """Takes the request and says nothing until the other side hangs up."""
    request(line)
    line.connection.recv(1)


def reset(line: Line) -> None:
    """The connection is torn down, not closed."""
    line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line._file.close()
    line.connection.close()


class Wire(Scripted):
    """Conversations over HTTP; those that still wait for a request end with the block."""

    def __init__(self, *conversations: Callable[[Line], None]) -> None:
        self._open: list[socket.socket] = []
        self.ended = Event()
        super().__init__(*conversations)

    def _talk(self, conversation: Callable[[Line], None], connection: socket.socket) -> None:
        self._open.append(connection)
        super()._talk(conversation, connection)

    def __exit__(self, *reason: object) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        super().__exit__(*reason)


class Tls(Wire):
    """The same behind TLS, for a name and by an authority of its own. `named` are the server names asked for."""

    def __init__(self, name: str, *conversations: Callable[[Line], None]) -> None:
        self.named: list[str | None] = []
        key, certificate = _certificate(name)
        self.trusting = ssl.create_default_context(cadata=certificate)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*_files(key, certificate))
        self._context.sni_callback = lambda _, asked, __: self.named.append(asked)
        super().__init__(*conversations)

    def _talk(self, conversation: Callable[[Line], None], connection: socket.socket) -> None:
        try:
            wrapped = self._context.wrap_socket(connection, server_side=True)
        except OSError:
            return
        super()._talk(conversation, wrapped)


@contextmanager
def deaf() -> Iterator[str]:
    """host:port where connections are not taken any more: the queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        place = listening.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(place)
        yield f"127.0.0.1:{place[1]}"
        for one in waiting:
            one.close()


_SPIED: list[list[tuple[str, int]]] = []


def _spy(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect" and _SPIED and isinstance(args[1], tuple):
        _SPIED[-1].append(args[1][:2])


@contextmanager
def spied() -> Iterator[list[tuple[str, int]]]:
    """Every address that this process connects to, as the interpreter itself reports it."""
    if not getattr(sys, "_todoke_spy", False):
        sys.addaudithook(_spy)
        sys._todoke_spy = True  # type: ignore[attr-defined] - a hook cannot be taken away again
    _SPIED.append([])
    yield _SPIED[-1]
    _SPIED.pop()


def _certificate(name: str) -> tuple[bytes, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, made.public_bytes(serialization.Encoding.PEM).decode()


def _files(key: bytes, certificate: str) -> tuple[str, str]:
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp(prefix="todoke-tls-"))
    (folder / "key.pem").write_bytes(key)
    (folder / "cert.pem").write_text(certificate)
    return str(folder / "cert.pem"), str(folder / "key.pem")

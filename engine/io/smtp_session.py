"""One SMTP connection, with an exact account of what was handed over.

A message counts as handed over once the final dot has left this machine whole. Until then every
failure is harmless and may be repeated; after it, silence is ambiguous.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import time
from typing import Any

from engine.contracts import Answer, Failure, MailRequest
from engine.io.smtp_server import Server

Commands = tuple[tuple[str, bytes], ...]  # name and line, in the order they are sent
Reply = tuple[str, int, bytes]  # command, code, text

_LONGEST_REPLY = 64 * 1024  # octets
_LONGEST_ENVID = 100  # characters, RFC 3461 section 4.4
_LONGEST_TEXT = 500  # characters of a reply worth keeping
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def refuse_what_ends_early(request: MailRequest) -> None:
    """Raises ValueError for what would end a command or a body before its end."""
    if _CONTROL.search("".join((request.mail_from, request.rcpt_to, *request.notify))):
        raise ValueError("mail_from, rcpt_to, notify: a control character would end the SMTP command")
    data = request.data
    # As many breaks as there are of each character: then every break is made of both.
    if not data.endswith(b"\r\n") or not len(data.splitlines()) == data.count(b"\n") == data.count(b"\r"):
        raise ValueError("data: every line must end with CRLF and nothing else")


def commands_of(request: MailRequest, *, dsn: bool = False) -> Commands:
    """The commands before the body, with the request's wishes about reports for a server that offers `dsn`."""
    ascii_only = request.mail_from.isascii() and request.rcpt_to.isascii() and request.data.isascii()
    of_mail, of_rcpt = _reports(request) if dsn else ("", "")
    mail = f"MAIL FROM:<{request.mail_from}>{of_mail}{'' if ascii_only else ' BODY=8BITMIME SMTPUTF8'}\r\n"
    return (
        ("MAIL", mail.encode()),
        ("RCPT", f"RCPT TO:<{request.rcpt_to}>{of_rcpt}\r\n".encode()),
        ("DATA", b"DATA\r\n"),
    )


def _reports(request: MailRequest) -> tuple[str, str]:
    """The parameters of RFC 3461. RET=HDRS: a report need not bring the whole mail back. An address outside ASCII
    would need another form of ORCPT (RFC 6533), and a report names it anyway."""
    if not request.notify:
        return "", ""
    name = _xtext(request.envid)
    of_mail = " RET=HDRS" + (f" ENVID={name}" if 0 < len(name) <= _LONGEST_ENVID else "")
    original = f" ORCPT=rfc822;{_xtext(request.rcpt_to)}" if request.rcpt_to.isascii() else ""
    return of_mail, f" NOTIFY={','.join(request.notify)}{original}"


def _xtext(text: str) -> str:
    """RFC 3461, section 4."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text if c.isascii())


class Session(smtplib.SMTP):
    """smtplib knows EHLO, STARTTLS and AUTH. Reading, writing and the transaction are ours: smtplib's
    timeouts start anew with every byte, and it does not tell on which side of the dot a line broke."""

    def __init__(self, server: Server, context: ssl.SSLContext, until: float, connect_timeout: float) -> None:
        super().__init__(local_hostname="localhost")  # greet() sets the real one; the default asks the DNS
        self.server = server
        self.context = context
        self.until = until  # moment on the monotonic clock after which nothing is waited for
        self.connect_timeout = connect_timeout
        self.opened = time.monotonic()
        self.carried = 0  # messages
        self._buffer = bytearray()
        self._at = "CONNECT"  # the command whose reply is awaited
        self._unfinished = False  # the server may still hold half a transaction

    def greet(self, ehlo: str | None) -> Failure | None:
        """Connect, protect, log in. None when the connection is ready for messages."""
        where = self.server
        self._host = where.host  # what STARTTLS checks the certificate against; connect() leaves it empty
        try:
            code, text = self.connect(where.host, where.port)
            if code != 220:
                return self._turned_down("CONNECT", code, text)
            self.local_hostname = ehlo or self._own_name()
            self._at = "EHLO"
            self.ehlo_or_helo_if_needed()
            if where.tls == "starttls":
                self._at = "STARTTLS"
                self.starttls(context=self.context)
                if self._buffer:
                    return self._lost("the server went on in clear after STARTTLS")
                self.ehlo_or_helo_if_needed()
            if where.user:
                self._at = "AUTH"
                self.login(where.user, where.password)
        except smtplib.SMTPNotSupportedError:
            return self._lost(_NOT_OFFERED[self._at])
        except smtplib.SMTPResponseException as error:
            return self._turned_down(self._at, error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return self._lost(str(error))
        return None

    def transact(
        self, commands: Commands, data: bytes, until: float, first_reply: float | None = None
    ) -> Answer | Failure:
        """One message until `until`. A kept connection must reply to the first command within
        `first_reply` seconds. Closes itself unless it is surely ready for another message."""
        self.until = until if first_reply is None else min(until, time.monotonic() + first_reply)
        self.carried += 1
        try:
            if self._unfinished:
                self._at = "RSET"
                if self.rset()[0] != 250:
                    return self._lost("the server refused RSET")
            self._unfinished = True
            if commands[0][1].endswith(b"SMTPUTF8\r\n") and not self.has_extn("smtputf8"):
                return Failure(stage="refused", command="MAIL", text=_NO_SMTPUTF8)
            replies = self._converse(commands, until)
            if refusal := next((reply for reply in replies if not _is_good(reply)), None):
                if replies[-1][:2] == ("DATA", 354):
                    self.close()  # it waits for a body now; hanging up is the sure way to send none
                return self._turned_down(*refusal)
            self._at = "DATA"
            self.send(_stuffed(data))
        except (OSError, smtplib.SMTPException) as error:
            return self._lost(str(error))
        return self._verdict()

    def _converse(self, commands: Commands, until: float) -> list[Reply]:
        """The replies, up to the first refusal; with PIPELINING (RFC 2920) one write and all replies."""
        replies: list[Reply] = []
        pipelined = self.has_extn("pipelining")
        if pipelined:
            self._at = "MAIL"
            self.send(b"".join(line for _, line in commands))
        for self._at, line in commands:
            if replies and not _is_good(replies[-1]) and not pipelined:
                break
            try:
                if not pipelined:
                    self.send(line)
                replies.append((self._at, *self.getreply()))
            except (OSError, smtplib.SMTPException):
                if all(_is_good(reply) for reply in replies):
                    raise
                self.close()
                break
            self.until = until
        return replies

    def _verdict(self) -> Answer | Failure:
        """What the server says to the final dot."""
        try:
            code, text = self.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Failure(stage="handed_over", command=".", text=str(error))
        self._unfinished = False
        if 200 <= code < 300:
            return Answer(code=code, text=_readable(text))
        if 400 <= code < 600:
            return self._turned_down(".", code, text)
        self.close()
        return Failure(stage="handed_over", command=".", text=f"not a reply: {_readable(text)}")

    def _turned_down(self, command: str, code: int, text: bytes | str) -> Failure:
        if not 400 <= code < 600:
            self._at = command
            return self._lost(f"not the reply that {command} has: {_readable(text)}")
        if code == 421:
            self.close()  # the server is about to
        return Failure(stage="refused", code=code, command=command, text=_readable(text))

    def _lost(self, text: str) -> Failure:
        self.close()
        place = f"{self.server.host}:{self.server.port}"
        return Failure(stage="connect", command=self._at, text=f"{place}, {self._at}: {text}")

    def hang_up(self) -> None:
        """Say QUIT without waiting for the answer."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self.sock:
                self.until = time.monotonic() + 0.1
                self.send(b"QUIT\r\n")
        self.close()

    def _own_name(self) -> str:
        """A full host name, or an address literal (RFC 5321 §4.1.4); never a question to the DNS."""
        name = socket.gethostname()
        if "." in name or self.sock is None:
            return name
        ip = self.sock.getsockname()[0]
        return f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no reply in time")
        return left

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """What smtplib's connect() opens."""
        plain = socket.create_connection((host, port), min(self.connect_timeout, self._left()))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.server.tls != "tls":
                return plain
            plain.settimeout(self._left())
            return self.context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def send(self, s: Any) -> None:
        """All of `s` by the deadline. If this raises, the end of `s` has not left this machine."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        view = memoryview(s.encode("ascii") if isinstance(s, str) else s)
        while view:
            self.sock.settimeout(self._left())
            view = view[self.sock.send(view) :]

    def getreply(self) -> tuple[int, bytes]:
        """One reply, of several lines perhaps, as (code, text); the code of an unreadable line is -1."""
        found: list[bytes] = []
        while True:
            line = self._line()
            found.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, line
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(found)
            if sum(map(len, found)) > _LONGEST_REPLY:
                raise smtplib.SMTPServerDisconnected("the reply has no end")

    def _line(self) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LONGEST_REPLY:
                raise smtplib.SMTPServerDisconnected("the reply has no end")
            self.sock.settimeout(self._left())
            received = self.sock.recv(4096)
            if not received:
                raise smtplib.SMTPServerDisconnected("the server closed the connection")
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


_NOT_OFFERED = {
    "STARTTLS": "the server does not offer STARTTLS; set tls to tls if it speaks TLS at once (port 465)",
    "AUTH": "the server does not offer AUTH; take user and password out of url, or set tls",
}
_NO_SMTPUTF8 = "5.6.7 the mail server cannot carry an address outside ASCII (no SMTPUTF8)"


def _is_good(reply: Reply) -> bool:
    command, code, _ = reply
    return code == 354 if command == "DATA" else 200 <= code < 300


def _stuffed(data: bytes) -> bytes:
    """RFC 5321 §4.5.2. `refuse_what_ends_early` has seen to it that lines end with CRLF only."""
    first = b"." if data.startswith(b".") else b""
    return b"%b%b.\r\n" % (first, data.replace(b"\n.", b"\n.."))


def _readable(text: bytes | str) -> str:
    found = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _CONTROL.sub(" ", found)[:_LONGEST_TEXT]

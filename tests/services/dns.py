"""A DNS server of this machine with the records of a test: real questions and answers over UDP and TCP."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], tuple[str, ...]]  # (name, kind) -> values as a zone file writes them
SILENT = ("silent",)  # for such a name nobody answers


def _answer(records: Records, data: bytes) -> bytes | None:
    asked = dns.message.from_wire(data)
    (question,) = asked.question
    name, kind = str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA
    for _ in range(8):
        found = records.get((name, kind))
        if found == SILENT:
            return None
        if found:
            answer.answer.append(dns.rrset.from_text(dns.name.from_text(name), 60, "IN", kind, *found))
            break
        alias = records.get((name, "CNAME"))
        if not alias:
            break
        answer.answer.append(dns.rrset.from_text(dns.name.from_text(name), 60, "IN", "CNAME", *alias))
        name = alias[0].rstrip(".")
    if not answer.answer and not any(known == name for known, _ in records):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


def _on_one_port(
    udp: type[socketserver.BaseRequestHandler], tcp: type[socketserver.StreamRequestHandler]
) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """Both servers on a port that is free for both: a port free for one may be taken for the other."""
    while True:
        first = socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp)
        try:
            return first, socketserver.ThreadingTCPServer(first.server_address, tcp)
        except OSError:
            first.server_close()


@contextmanager
def dns_server(records: Records) -> Iterator[str]:
    """Serves the records on a free port until the block ends; gives "127.0.0.1:port"."""

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            answer = _answer(records, data)
            if answer is not None:
                if len(answer) > 1232:
                    short = dns.message.make_response(dns.message.from_wire(data))
                    short.flags |= dns.flags.TC
                    answer = short.to_wire()
                sock.sendto(answer, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            answer = _answer(records, self.rfile.read(length))
            if answer is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with ExitStack() as open_until:
        udp, tcp = _on_one_port(Udp, Tcp)
        open_until.enter_context(udp)
        open_until.enter_context(tcp)
        for server in (udp, tcp):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            open_until.callback(server.shutdown)
        yield f"127.0.0.1:{udp.server_address[1]}"

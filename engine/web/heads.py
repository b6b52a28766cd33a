"""The head of a request has a size: httptools gathers header lines, and trailers, for as long as they come, so
that a stranger with one connection could fill the memory. (h11, which serves where httptools is missing, has a
limit of its own.)"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Bytes read without a byte of body. Above twice what one read from a socket brings (256 KiB), because a read may
# hold the end of a body and the next head.
LARGEST = 600_000


class BoundedHeads(HttpToolsProtocol):
    """Answers 400 and hangs up on a head or trailer larger than LARGEST."""

    _gathered = 0

    def data_received(self, data: bytes) -> None:
        """Bytes from the socket."""
        super().data_received(data)
        self._gathered += len(data)
        if self._gathered > LARGEST and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._gathered = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A piece of the body, whose size is the application's affair."""
        self._gathered = 0
        super().on_body(body)

"""Who takes the messages. What they remember is the only witness of what has left."""

from __future__ import annotations

from collections import Counter

from tests.e2e.sink import Sink
from tests.rig.provider import Provider
from tests.rig.texts import said


class MailServer(Sink):
    """SMTP, which has no memory of keys: when its answer is lost the message stays in doubt."""

    remembers = False

    @property
    def settings(self) -> list[str]:
        """What a connection to it is told."""
        return [f"url=smtp://{self.place}"]

    @property
    def texts(self) -> Counter[tuple[str, str]]:
        """(address, subject and parcel that the text names) -> how often."""
        return Counter((to, said(body)) for to, body in self.mails)


CHANNELS: dict[str, type[MailServer] | type[Provider]] = {"smtp": MailServer, "resend": Provider}

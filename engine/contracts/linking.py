"""How people make an address of theirs known to us that no order tells: a LINE account, a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Talk:
    """A talk with the merchant's account: the account as people look for it, and the address that opens it."""

    account: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Linking:
    """Pure functions; the mapping is the connection's settings, secrets among them.

    `address` is the address as it is kept, of what somebody has given: the same for the same address, however it is
    written. Raises ValueError, in words and without a value, for what the channel cannot reach.

    From our pages: `talk` is where a talk opens with this text typed in, None while a setting is missing; what is sent
    there comes back as `EndpointSeen` with the code as its nonce. `browser_key` is the public key by which a browser
    makes the subscription that is its address (applicationServerKey, base64url).

    From the provider: it sends people to our page, `asked_as` is the name in the query by which it tells who comes.
    `dialog` is where they go on, from what the query told and from our nonce, once we know who they are. Raises
    ValueError for what the provider never tells.
    """

    address: Callable[[str, Mapping[str, str]], str]
    talk: Callable[[str, Mapping[str, str]], Talk | None] | None = None
    browser_key: Callable[[Mapping[str, str]], str] | None = None
    asked_as: str = ""
    dialog: Callable[[str, str], str] | None = None

"""What a provider says, and the name of what it is taken for."""

import json

from engine.contracts import Answer, Deferred, Rejected


def said(status: int, body: object = b"", **headers: str) -> Answer:
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(code=status, body=raw, headers={name.replace("_", "-"): value for name, value in headers.items()})


def named(outcome) -> str:
    match outcome:
        case Rejected(scope=scope) | Deferred(scope=scope):
            return f"{type(outcome).__name__.lower()} {scope}"
        case _:
            return type(outcome).__name__.lower()

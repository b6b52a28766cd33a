"""Two providers that take many mails in one request, as their pages describe it. `accepted` counts by our own id, which
each mail carries, whatever request has brought it."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.flow.provider import Fault, Provider

REFUSED = "refused@example.com"  # an address that no provider takes


class Joint(Provider):
    """Like Resend: a request has a key, which is remembered with the body and the answer, once something was taken."""

    def take(self, key: str, body: bytes, fault: Fault) -> tuple[int, Any]:
        mails = json.loads(body)
        with self._lock:
            if key in self._known:
                first, said = self._known[key]
                return (200, json.loads(said)) if first == body else (409, {"name": "invalid_idempotent_request"})
            said = self._batch(mails) if isinstance(mails, list) else self._single(mails)
            if "id" in said or said.get("data"):
                self._known[key] = (body, json.dumps(said))
        if fault == "short":
            said["data"] = said["data"][1:]
        return (422 if "name" in said else 200), said

    def _single(self, mail: dict[str, Any]) -> dict[str, Any]:
        if REFUSED in mail["to"]:
            return {"name": "validation_error", "message": "Invalid `to` field."}
        name = next(tag["value"] for tag in mail["tags"] if tag["name"] == "message")
        self.accepted[name] += 1
        return {"id": f"e_{name}"}

    def _batch(self, mails: list[dict[str, Any]]) -> dict[str, Any]:
        said = [self._single(mail) for mail in mails]
        errors = [{"index": n, "message": one["message"]} for n, one in enumerate(said) if "name" in one]
        return {"data": [one for one in said if "id" in one], **({"errors": errors} if errors else {})}


class Stamps(Provider):
    """Like Postmark: it knows no key, and answers to a batch with 200 whatever becomes of its mails."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._numbers = count()

    def told(self, fault: Fault) -> tuple[int, Any] | None:
        told = {
            "429": (429, {"ErrorCode": 429, "Message": "Rate limit exceeded"}),
            "401": (401, {"ErrorCode": 10, "Message": "Bad or missing Server API token"}),
            "422": (422, {"ErrorCode": 403, "Message": "The JSON is incompatible"}),
        }
        return told.get(fault)

    def take(self, key: str, body: bytes, fault: Fault) -> tuple[int, Any]:
        mails = json.loads(body)
        with self._lock:
            said = [self._single(mail) for mail in (mails if isinstance(mails, list) else [mails])]
        if isinstance(mails, list):
            return 200, said[1:] if fault == "short" else said
        return (422 if said[0]["ErrorCode"] else 200), said[0]

    def _single(self, mail: dict[str, Any]) -> dict[str, Any]:
        if mail["To"] == REFUSED:
            return {"ErrorCode": 406, "Message": "Inactive recipient"}
        self.accepted[mail["Metadata"]["message"]] += 1
        return {"ErrorCode": 0, "Message": "OK", "MessageID": f"p_{next(self._numbers)}", "To": mail["To"]}

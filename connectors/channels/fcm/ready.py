"""Is the project ready to be sent for?"""

from __future__ import annotations

from connectors.channels.fcm.account import login, project
from connectors.channels.fcm.send import request
from connectors.parts.talk.asking import ask, good
from engine.contracts import Asking, Conversation, Finding


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does Google take the key, and may it send for this project? A message is validated only: nobody gets it."""
    yield from login(asking)
    message = {"topic": "todoke-check", "notification": {"title": "Todoke"}}
    answer = yield from ask(request(message, asking.settings, only_validate=True))
    if answer.code in {403, 404}:
        do = "give the service account the role Firebase Cloud Messaging API Admin, and switch the API on"
        return (Finding(level="error", what="the service account may not send for this project", do=do),)
    good(answer)
    return (Finding(level="ok", what=f"messages for the project {project(asking.settings)} are accepted"),)

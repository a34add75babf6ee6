"""From an HTTP answer of the `requests` library, which both Meta's and Google's SDK use, to a `Reply`."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from guestlist.model.conversation import Reply
from guestlist.model.errors import OutcomeUnknown, TransientError
from guestlist.runtime.carriers._bodies import bounded
from guestlist.runtime.carriers._vendors import alone

_REQUEST_ID_HEADERS = ("x-fb-trace-id", "x-request-id", "request-id")


_SECRET_PARAMETERS = re.compile(r"(access_token|appsecret_proof)=[^&\s\"']+")


class _WithoutTokens(logging.Filter):
    """Meta's SDK puts the token into the address, and urllib3 logs addresses at DEBUG and when it tries again."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its secrets blotted out."""
        if _SECRET_PARAMETERS.search(text := record.getMessage()):
            record.msg, record.args = _SECRET_PARAMETERS.sub(r"\1=***", text), ()
        return True


_WITHOUT_TOKENS = _WithoutTokens()


class LastAnswer:
    """Keeps the newest answer of a session, before the SDK interprets it: SDKs misread broken ones."""

    def __init__(self, session: requests.Session) -> None:
        """Watch a session, and bound what it reads."""
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_WITHOUT_TOKENS)
        self._reply: Reply | None = None
        bounded(session)
        session.hooks["response"].append(self._keep)

    def _keep(self, answer: requests.Response, **_: object) -> None:
        # not the answer itself: its request, with megabytes of members, has this hook, and only the collector would free them
        self._reply = reply_of(answer)

    def forget(self) -> None:
        """Before a call, so that no answer is taken for another one's."""
        self._reply = None

    @property
    def came(self) -> bool:
        """Whether there was an answer since the last call was forgotten."""
        return self._reply is not None

    def reply(self) -> Reply:
        """The answer as a reply; `OutcomeUnknown` if there was none."""
        if self._reply is None:
            raise OutcomeUnknown("the platform gave no answer")
        return self._reply


def reply_of(answer: requests.Response) -> Reply:
    """Status, headers and parsed body."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        body = None
    malformed = not isinstance(body, dict | list)
    request_id = next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)
    return Reply(answer.status_code, None if malformed else body, headers, request_id, malformed)


@contextmanager
def network_errors(platform: str) -> Iterator[None]:
    """Turn what `requests` raises into our errors; its own messages hold addresses with tokens, so they are forgotten."""
    with alone(), _translated(platform):
        yield


@contextmanager
def _translated(platform: str) -> Iterator[None]:
    try:
        yield
    except requests.exceptions.ConnectTimeout:
        raise TransientError(f"{platform} could not be reached in time") from None
    except requests.exceptions.ConnectionError as error:
        if _never_left(error):
            raise TransientError(f"{platform} cannot be reached") from None
        raise OutcomeUnknown(f"the connection to {platform} broke") from None
    except requests.exceptions.RequestException as error:
        raise OutcomeUnknown(f"the request to {platform} broke off: {type(error).__name__}") from None


def _never_left(error: BaseException) -> bool:
    """Whether the connection itself failed, so that nothing can have acted."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        item = queue.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if type(item).__name__ in ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError"):
            return True
        nested = [item.__cause__, item.__context__, getattr(item, "reason", None), *getattr(item, "args", ())]
        queue += [inner for inner in nested if isinstance(inner, BaseException)]
    return False

"""What all of these tests look at: an error of ours, and everything that it carries along."""

from __future__ import annotations

import logging
import socket
import traceback

import pytest


def everything_in(error: BaseException) -> str:
    """All texts of an error, and of those that it came from, suppressed or not."""
    texts = ["".join(traceback.format_exception(error))]
    chain: BaseException | None = error
    while chain is not None:
        texts.append(f"{chain!r} {chain} {chain.args!r} {vars(chain)!r}")
        chain = chain.__cause__ or chain.__context__
    return "\n".join(texts)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def loud(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Every logger speaks again, as in a process in which no carrier was made before."""
    caplog.set_level(logging.DEBUG)
    for name in ("google.ads", "google.auth", "httpx"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    logging.getLogger("google.ads").manager._clear_cache()

"""Meta's replace: the batches of one session become the audience, and until then nobody else writes to it.

https://developers.facebook.com/docs/marketing-api/reference/custom-audience/usersreplace/
"""

from __future__ import annotations

from typing import Any

from guestlist.sandbox import _meta_audiences as audiences
from guestlist.sandbox._faults import Action
from guestlist.sandbox._meta_errors import refused
from guestlist.sandbox._meta_rows import Rows
from guestlist.sandbox._meta_sessions import WINDOW, Batch, Sessions
from guestlist.sandbox.core import Audience, Job, Platform


class Replaces:
    """The replaces that run."""

    def __init__(self, platform: Platform, sessions: Sessions) -> None:
        self._platform = platform
        self._sessions = sessions

    def take(self, audience: Audience, batch: Batch, rows: Rows, action: Action) -> dict[str, Any]:
        """Stage one batch; one that came before is put in the place of the first."""
        key = self._sessions.key(audience.account, batch.session)
        session = self._session(key, audience, batch, rows)
        staging = self._platform.staging
        staging.drop(key, batch.seq)
        staging.put(key, rows.keys, batch.seq)
        if action.fail_job:
            session["failing"] = action.fail_job
        self._sessions.count(key, session, batch, rows)
        if batch.last:
            self._platform.later(f"replace {key} {session['generation']}")
        return session

    def _session(self, key: str, audience: Audience, batch: Batch, rows: Rows) -> dict[str, Any]:
        """The session of a batch; batch 1 begins it, and begins it anew when it comes again."""
        session = self._sessions.find(key)
        if session is not None:
            self._sessions.require_same(session, audience, "replace", rows)
            if session["last"]:
                raise refused(2650, 1870159)
            self._sessions.require_open(session)
        if audience.data["replace"] not in (None, key):
            raise refused(2650, 1870145)
        if batch.seq == 1:
            return self._begin(key, audience, batch, rows)
        if session is None:
            raise refused(2650, 1870147)
        return session

    def _begin(self, key: str, audience: Audience, batch: Batch, rows: Rows) -> dict[str, Any]:
        if self._platform.book.people(audience) >= self._platform.settings["largest_replace"]:
            raise refused(2650, 1870144)
        self._platform.staging.drop(key)
        session = self._sessions.begin(audience, "replace", batch, rows)
        self._platform.later(f"close {key} {session['generation']}", WINDOW)
        audience.data |= {"replace": key, "replace_failed": False}
        self._platform.book.save(audience)
        return session

    def apply(self, job: Job) -> None:
        """End a replace: what arrived becomes the audience. Without a last batch that happens after 90 minutes."""
        what, key, generation = job.owner.split()
        session = self._sessions.find(key)
        if session is None or session["generation"] != generation or (what == "close" and session["last"]):
            return
        book, parts = self._platform.book, list(self._platform.staging.take(key))
        if (audience := book.get(session["audience"])) is None:
            return
        failing = session.get("failing")
        if failing is not True:
            book.clear(audience)
            for part in parts[: len(parts) // 2] if failing else parts:
                audiences.put_in(book, audience, part, job.due)
        audience.data |= {"replace": None, "replace_failed": bool(failing)}
        audiences.touch(book, audience, job.due)

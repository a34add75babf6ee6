"""Check: try every connection of a segment for real, change nothing, and say what to mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from guestlist.destinations import destination_class
from guestlist.destinations.base import audience_finding, without_choices
from guestlist.model.audiences import AudienceSpec, Finding
from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError, GuestlistError, TransientError
from guestlist.model.segment import Destination, Segment
from guestlist.model.source import Source
from guestlist.pipeline.prepare import Preparer
from guestlist.runtime.carriers import Carriers
from guestlist.runtime.driver import Driver, Retries
from guestlist.runtime.wiring import Workspace

_MEND = {
    ConfigError: "mend the segment file or the connection",
    DataError: "mend the source",
    AuthError: "mend the credential in the connection, or its permissions on the platform",
    TransientError: "try again later; if it stays, look at the connection's endpoint and the network",
}


@dataclass(frozen=True)
class Checked:
    """One connection of a segment: what was looked at, and the exit code of what is wrong; 0 if nothing is."""

    label: str
    kind: str
    connection: str
    findings: tuple[Finding, ...]
    exit_code: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing has to be mended."""
        return all(finding.ok for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "ok": self.ok}


def check_segment(workspace: Workspace, segment: Segment, labels: Sequence[str] = ()) -> list[Checked]:
    """Check the vault if there has to be one, the source, and the destinations (all where ``labels`` is empty)."""
    source = segment.source.connection or segment.source.file or "intake"
    found = []
    if workspace.keeps_plain_text(segment):
        found.append(_checked("vault", "vault", "the key of the lake", lambda: _vault(workspace)))
    found.append(_checked("source", "source", source, lambda: _source(workspace, segment)))
    for target in segment.destinations:
        if not labels or target.label in labels:
            found.append(check_destination(workspace, segment, target))
    return found


def check_destination(workspace: Workspace, segment: Segment, target: Destination) -> Checked:
    """Check one destination; the ledger keeps what was found for its connection's page."""
    checked = _checked(target.label, target.platform, target.connection, _look(workspace, segment, target.label))
    workspace.ledger.enter_check(target.platform, target.connection, checked.findings)
    return checked


def check_connection(platform: str, connection: Connection) -> Checked:
    """Check a connection by itself, for no segment: whether an audience is there is left out. Somebody waits: one attempt."""
    spec = AudienceSpec(name="any audience", description="", reference="guestlist:check", fields=())

    def look() -> Sequence[Finding]:
        cls = destination_class(platform)
        destination = cls(cls.Settings.of(connection), without_choices(cls.Options))
        with closing(Carriers(destination.settings)) as carriers:
            found = Driver(carriers, destination.judge, Retries(attempts=1)).run(destination.check(spec))
        return [finding for finding in found if finding != audience_finding(spec, there=False)]

    return _checked(connection.id, platform, connection.id, look)


def _checked(label: str, kind: str, connection: str, look: Callable[[], Sequence[Finding]]) -> Checked:
    try:
        findings = tuple(look())
    except GuestlistError as error:
        mend = next((text for known, text in _MEND.items() if isinstance(error, known)), "read the platform's reason")
        page = f"; see {error.help_url}" if error.help_url else ""
        code = f" (code {error.code})" if error.code else ""
        return Checked(
            label, kind, connection, (Finding(f"{error.message}{code}", ok=False, mend=mend + page),), error.exit_code
        )
    failed = not all(finding.ok for finding in findings)
    return Checked(label, kind, connection, findings, AuthError.exit_code if failed else 0)


def _look(workspace: Workspace, segment: Segment, label: str) -> Callable[[], Sequence[Finding]]:
    def look() -> Sequence[Finding]:
        with closing(workspace.ready(segment, label)) as ready:
            return ready.driver.run(ready.destination.check(ready.spec))

    return look


def _source(workspace: Workspace, segment: Segment) -> Sequence[Finding]:
    preparer = Preparer(segment, tuple(workspace.capabilities(segment).values()))
    findings = [_readable(workspace, segment.source, preparer.source_columns, "the source")]
    for number, list_ in enumerate(segment.suppress, start=1):
        columns = [name for identifier in list_.identifiers.values() for name in identifier.columns]
        findings.append(_readable(workspace, list_, columns, f"suppression list {number}"))
    return findings


def _readable(workspace: Workspace, source: Source, columns: Sequence[str], what: str) -> Finding:
    """Read its first rows, which tells of a missing column as well."""
    batches = iter(workspace.reader(source).batches(tuple(dict.fromkeys(columns))))
    next(batches)
    return Finding(f"{what} can be read and has the columns {', '.join(dict.fromkeys(columns))}")


def _vault(workspace: Workspace) -> Sequence[Finding]:
    workspace.lake.check_key()
    return [Finding("there is a key for what platforms take in plain text, and it opens the lake")]

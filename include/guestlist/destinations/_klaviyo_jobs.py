"""What became of an import job of Klaviyo: its status, its counts, and the rows that it names as refused.

Contract: https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_job
"""

from __future__ import annotations

from collections.abc import Sequence

from guestlist.destinations import _klaviyo_errors as errors
from guestlist.destinations._klaviyo_errors import IMPORTS
from guestlist.destinations._klaviyo_reads import PROFILES_PAGE, pages
from guestlist.destinations._klaviyo_rows import value_sent
from guestlist.destinations._reading import count, inside, text
from guestlist.model.conversation import Call, Conversation
from guestlist.model.delivery import JobOutcome
from guestlist.model.errors import ProtocolError, TransientError

_MOST_LOOKS = 40
_UNNAMED = "import_error"


def outcome(job: str, wire: str) -> Conversation[JobOutcome | None]:
    """What became of a job; None while it runs. ``wire`` is the identifier by which its rows are known."""
    try:
        reply = yield Call("http", "GET", f"{IMPORTS}/{job}")
    except errors.NotThere:
        return JobOutcome(failed=True)  # it has expired, and nobody can tell any more: it is sent again
    attributes = inside(inside(reply.body, "data"), "attributes")
    status = text(attributes, "status")
    if status not in ("queued", "processing", "complete", "cancelled"):
        raise ProtocolError("an import job has a status that Klaviyo's documentation does not know")
    if status != "complete":
        return JobOutcome(failed=True) if status == "cancelled" else None
    if (failed := count(attributes, "failed_count")) <= 0:
        return JobOutcome()
    named = yield from _refused(job, wire)
    unnamed = max(failed - len(named), 0)
    whole = not named and failed >= count(attributes, "total_count")
    return JobOutcome({_UNNAMED: unnamed} if unnamed else {}, named, failed=whole)


def none_under_way() -> Conversation[None]:
    """Wait until no import is under way, ours or another tool's: one whose answer was lost would act after a removal.

    Raises:
        TransientError: there are still some after two minutes.
    """
    for status in ("queued", "processing"):
        for _ in range(_MOST_LOOKS):
            if not (yield from pages(IMPORTS, {"filter": f'equals(status,"{status}")'})):
                break
        else:
            raise TransientError("Klaviyo still works on imports; people are taken off when they are done", retry_after=60.0)


def merged(parts: Sequence[JobOutcome]) -> JobOutcome:
    """The outcome of several jobs together; one that failed leaves the whole in doubt."""
    named = {value: why for part in parts for value, why in part.named.items()}
    unnamed = sum(sum(part.rejected.values()) for part in parts)
    return JobOutcome({_UNNAMED: unnamed} if unnamed else {}, named, failed=any(part.failed for part in parts))


def _refused(job: str, wire: str) -> Conversation[dict[str, str]]:
    """What was sent in each row that the job could not use, and why. Klaviyo forgets it with the job."""
    found = yield from pages(f"{IMPORTS}/{job}/import-errors", {"page[size]": PROFILES_PAGE})
    told = [inside(item, "attributes") for item in found]
    sent = ((value_sent(error.get("original_payload"), wire), error) for error in told)
    return {value: errors.reason(error) for value, error in sent if value}

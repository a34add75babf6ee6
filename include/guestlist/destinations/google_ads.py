"""Google Ads Customer Match: one audience, two doors - the Data Manager API by default, offline user data jobs on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel

from guestlist.destinations._data_manager import DataManager
from guestlist.destinations._google import (
    SIZES,
    GoogleOptions,
    GoogleSettings,
)
from guestlist.destinations._google_ads_jobs import GoogleAdsJobs
from guestlist.destinations.base import Destination, Settings
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.capabilities import Capabilities, Limits, Polling, Rate
from guestlist.model.conversation import Call, Conversation, Json, Reply, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.vocabulary import Mode

_MINUTE = 60.0


class GoogleAds(Destination):
    """Hands every conversation to the door that the segment chose."""

    Settings: ClassVar[type[Settings]] = GoogleSettings
    Options: ClassVar[type[BaseModel]] = GoogleOptions

    def __init__(self, settings: GoogleSettings, options: GoogleOptions) -> None:
        """Choose the door."""
        super().__init__(settings, options)
        door = DataManager if options.api == "data_manager" else GoogleAdsJobs
        self.door = door(settings, options)

    @classmethod
    def capabilities_for(cls, options: GoogleOptions) -> Capabilities:
        """The doors differ in limits and in what they can replace; the audience behind them is the same."""
        jobs = options.api == "google_ads"
        modes = (Mode.MIRROR, Mode.APPEND, Mode.REMOVE) + (() if jobs else (Mode.REPLACE,))
        limits = Limits(
            rows_per_batch=10_000,
            identifiers_per_batch=10_000 if jobs else None,
            identifiers_per_row=20 if jobs else 10,
            parallel_batches=1 if jobs else 4,  # a job takes one at a time; uploads come in any order
            rates=() if jobs else (Rate(300, 60),),  # documented for each service by itself
            minimum_members=100,
            membership_days=options.membership_days,
        )
        polling = Polling(first=10 * _MINUTE) if jobs else Polling(first=30 * _MINUTE)
        return Capabilities(
            platform="google_ads",
            title="Google Ads",
            modes=modes,
            keys=options.keys,
            composites=options.composites,
            limits=limits,
            docs="https://developers.google.com/data-manager/api/devguides/limits",
            apis=("data_manager", "google_ads"),
            polling=polling,
            may_reorder=True,
            takes_consent=True,
            sizes=SIZES,
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """The list id is the same through both doors."""
        return (yield from self.door.ensure(spec))

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """Sizes and match rate."""
        return (yield from self.door.describe(audience))

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """Begin the upload."""
        return (yield from self.door.open(session))

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """Deliver one batch."""
        return (yield from self.door.send(session, handle, batch))

    def close(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Mapping[str, Json]]:
        """Say that all was sent, where the door wants to hear it."""
        if isinstance(self.door, GoogleAdsJobs):
            return (yield from self.door.close(handle))
        return handle

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """Ask once whether Google has finished."""
        return (yield from self.door.settle(session, handle, jobs))

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """Whether the account can be used and has the list."""
        return (yield from self.door.check(spec))

    def marked(self) -> Conversation[Sequence[Marked]]:
        """The account's lists with our reference."""
        return (yield from self.door.marked())

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """What a reply means."""
        return self.door.judge(call, reply)


DESTINATION = GoogleAds

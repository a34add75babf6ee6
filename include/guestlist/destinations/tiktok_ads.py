"""TikTok Ads: one audience, two doors - segment streaming by default, customer files on request.

Contract: https://business-api.tiktok.com/portal/docs?id=1747012327159809
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from guestlist.destinations import _tiktok_errors as errors
from guestlist.destinations._json import around, array_of, object_of
from guestlist.destinations._reading import inside, text, whole
from guestlist.destinations._tiktok import Account, TikTokOptions, TikTokSettings
from guestlist.destinations._tiktok_files import CustomerFiles
from guestlist.destinations.base import Destination, Settings, audience_finding, created, halving
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding
from guestlist.model.capabilities import Capabilities, Limits, Polling, Rate, Sizes
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply, Verdict
from guestlist.model.delivery import Batch, Receipt, Session, Settlement
from guestlist.model.errors import RateLimitedError
from guestlist.model.vocabulary import Mode, Operation

if TYPE_CHECKING:
    import polars as pl

_DOCS = "https://business-api.tiktok.com/portal/docs?id=1747012327159809"
_BYTES_PER_REQUEST = 600_000
"""Of values and the house's allowance for what stands around them: with all of JSON below 1 MB."""
_BYTES_PER_FILE = 50_000_000


class TikTokAds(Destination):
    """Streaming acts at once; customer files are processed for hours, and then their audience tells what became of them."""

    Settings: ClassVar[type[Settings]] = TikTokSettings
    Options: ClassVar[type[BaseModel]] = TikTokOptions
    settings: TikTokSettings
    options: TikTokOptions

    def __init__(self, settings: TikTokSettings, options: TikTokOptions) -> None:
        """Record the advertiser."""
        super().__init__(settings, options)
        self._account = Account(settings, options)
        self._files = CustomerFiles(self._account) if options.api == "file" else None
        self._throttled = 0

    @classmethod
    def capabilities_for(cls, options: TikTokOptions) -> Capabilities:
        """Files can replace; they cannot mirror, because each change must leave a thousand matched people behind."""
        files = options.api == "file"
        return Capabilities(
            platform="tiktok_ads",
            title="TikTok Ads",
            modes=(Mode.REPLACE, Mode.APPEND, Mode.REMOVE) if files else (Mode.MIRROR, Mode.APPEND, Mode.REMOVE),
            keys=options.keys,
            limits=Limits(
                rows_per_batch=100_000 if files else options.rows_per_request,
                bytes_per_batch=_BYTES_PER_FILE if files else _BYTES_PER_REQUEST,
                one_value_per_field=True,
                parallel_batches=1 if files else 4,  # streaming takes them in any order
                rates=(Rate(10, 1), Rate(600, 60)) if files else (Rate(10_000, 1),),  # of apps of the basic tier
                minimum_members=1000,
            ),
            docs=_DOCS,
            polling=Polling(first=60.0, factor=2.0, longest=1800.0, give_up=48 * 3600.0) if files else None,
            sizes=Sizes(shown_from=1, lag_hours=48),
        )

    def ensure(self, spec: AudienceSpec) -> Conversation[AudienceRef]:
        """By id, else by name, else create it; a file audience is made by its first files."""
        found = yield from self._find(spec)
        if found is None and self._files is None:
            body = {"action": "create", "custom_audience_name": self._account.shown(spec.name)}
            create = self._account.post("segment/audience/", body, repeat=Repeat.LOOKUP)
            found = yield from created(create, _made, lambda: self._find(spec))
        return self._account.reference(found or "", spec.name)

    def _find(self, spec: AudienceSpec) -> Conversation[str | None]:
        known = spec.known.id if spec.known else ""
        if self._files:
            return (yield from self._files.find(spec.name, known))
        return next(iter((yield from self._account.find(spec.name, known))), None)

    def check(self, spec: AudienceSpec) -> Conversation[Sequence[Finding]]:
        """Token, advertiser and audience; whether the app may write, or stream, TikTok tells only when it does."""
        found = yield from self._find(spec)
        read = Finding(f"the access token reads the audiences of advertiser {self.settings.advertiser_id}")
        return (read, audience_finding(spec, there=found is not None))

    def describe(self, audience: AudienceRef) -> Conversation[AudienceState]:
        """How many users TikTok matched, which is not how many rows were sent; there is no match rate."""
        if (found := (yield from self._account.details(audience.id))) is None:
            return AudienceState(there=False)
        details, _ = found
        matched = whole(details.get("cover_num"))
        status, trouble = "valid" if details.get("is_valid") is True else "not valid yet", None
        if details.get("error_msg"):
            status, trouble = "failed", "TikTok failed to work it out: look at its page, then run once with full resend"
        elif details.get("is_expiring") is True:
            trouble = "TikTok ends it within 60 days, unless an active ad group uses it or it changes"
        return AudienceState((matched, matched) if matched > 0 else None, None, status, trouble)

    def open(self, session: Session) -> Conversation[Mapping[str, Json]]:
        """Files have to be of the audience's own type; streaming starts with its first batch."""
        return (yield from self._files.open(session)) if self._files else {}

    def send(self, session: Session, handle: Mapping[str, Json], batch: Batch) -> Conversation[Receipt]:
        """One request or one file; TikTok names no rows, so a batch that is refused is halved down to them."""
        if self._files:
            return (yield from self._files.send(session, handle, batch))
        return (yield from halving(partial(self._map, session), batch.rows))

    def _map(self, session: Session, rows: pl.DataFrame) -> Conversation[Receipt]:
        """Each person's ids stand in the order of the schema, and one that is missing is an empty object."""
        import polars as pl

        audiences = pl.concat_list(pl.lit(session.audience.id))
        ids = [
            pl.when(pl.col(name).str.len_bytes() > 0)
            .then(object_of(id=pl.col(name), audience_ids=audiences))
            .otherwise(pl.lit("{}"))
            for name in session.fields
        ]
        wire = {key.field: key.wire for key in self.options.keys}
        body = {
            "advertiser_ids": [self.settings.advertiser_id],
            "action": "delete" if session.operation is Operation.REMOVE else "add",
            "id_schema": [wire[name] for name in session.fields],
            "batch_data": array_of(rows, around("[", pl.concat_str(ids, separator=","), "]")),
        }
        reply = yield Call("http", "POST", "segment/mapping/", body, rows=rows.height)
        return Receipt(rows.height, request_id=errors.request_id(reply))

    def close(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Mapping[str, Json]]:
        """Have the files change the audience."""
        return (yield from self._files.close(session, handle, jobs)) if self._files else handle

    def settle(self, session: Session, handle: Mapping[str, Json], jobs: Sequence[str]) -> Conversation[Settlement]:
        """What streaming has answered is final; of files the audience tells."""
        if self._files is None:
            return Settlement(done=True, handle=handle)
        return (yield from self._files.settle(session, handle, jobs))

    def judge(self, call: Call, reply: Reply) -> Verdict:
        """By the code in the body, see `_tiktok_errors`. TikTok names no wait: it grows with the refusals in a row."""
        verdict = errors.verdict(call, reply)
        error = verdict.error
        if not isinstance(error, RateLimitedError) or error.retry_after is not None:
            self._throttled = 0
            return verdict
        self._throttled += 1
        error.retry_after = errors.throttled_for(self._throttled)
        return verdict


def _made(reply: Reply) -> str:
    return text(inside(reply.body, "data"), "audience_id")


DESTINATION = TikTokAds

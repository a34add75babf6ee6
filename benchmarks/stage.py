"""An installation with made-up members, set up through Guestlist's own lake and ledger, for planning and delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from guestlist.model.segment import Segment
    from guestlist.pipeline.derive import KeyColumn
    from guestlist.runtime.wiring import Workspace

SEGMENT = "bench"
_AT_ONCE = 400_000
"""Rows that prepare sorts together."""
_STRIDE = 1_000_003
"""A prime: prepared members come in no order of their ids."""
_MANY = 65_536
_CLOSED = "http://127.0.0.1:9"
"""Nothing listens there: what is not answered within the process fails."""
_CONNECTIONS = {
    "meta": {"ad_account_id": "1", "access_token": "t", "app_id": "1", "app_secret": "s", "endpoint": _CLOSED},
    "google_ads": {
        "customer_id": "1234567890",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
        "endpoint": _CLOSED,
        "token_uri": f"{_CLOSED}/token",
    },
}


def segment(*platforms: str) -> Segment:
    """A segment of six identifiers for these platforms; each destination has its platform's name as its label."""
    from guestlist.destinations import platforms as known
    from guestlist.model.segment import Segment

    identifiers = ("email", "phone", "first_name", "last_name", "country", "postal_code")
    document = {
        "name": SEGMENT,
        "source": {"file": "nothing.csv"},
        "key": "id",
        "identifiers": {name: name for name in identifiers} | {"phone": {"columns": "phone", "region": "country"}},
        "destinations": [{"platform": name, "connection": name, "audience": "Bench"} for name in platforms],
    }
    return Segment.model_validate(document, context={"platforms": known()})


def workspace(folder: str, ledger: str = "ledger.db") -> Workspace:
    """The installation in a folder, with any of its ledgers."""
    from guestlist.model.connection import Connection
    from guestlist.runtime.config import Config
    from guestlist.runtime.wiring import Workspace

    home = Path(folder)
    config = Config(home, home / "segments", f"sqlite:///{home / ledger}", str(home / "lake"), home / "vault.key")
    return Workspace(config, lambda name: Connection(name, "guestlist", extra=_CONNECTIONS[name]))


def stage_wanted(installation: Workspace, made: Segment, run: str, count: int, *, every: int = 0) -> None:
    """A run that has prepared members 0 to ``count``; with ``every``, one of so many is not as it was when it was held.

    Half of these have another email; the others have left, and somebody new has come for each.
    """
    import polars as pl

    keys = _keys(installation, made)
    lake = installation.lake_for(made)
    folder = f"{SEGMENT}/runs/{run}/1"
    for number, first in enumerate(range(0, count, _AT_ONCE)):
        places = pl.select(number=pl.int_range(first, min(first + _AT_ONCE, count), dtype=pl.UInt64) * _STRIDE % count)
        lake.write_members(f"{folder}/part-{number:05d}.parquet", _members(places, keys, count, every))
    installation.ledger.begin_run(SEGMENT, run, folder, {"read": count, "prepared": count})


def stage_held(installation: Workspace, made: Segment, count: int) -> None:
    """A sealed generation of members 0 to ``count`` on the segment's only audience, and the plan that it came from."""
    from guestlist.model.audiences import AudienceRef
    from guestlist.model.plan import Counts, Plan
    from guestlist.runtime.layout import generation_folder

    (target,) = made.destinations
    ledger, lake = installation.ledger, installation.lake_for(made)
    ledger.enter_audience(SEGMENT, target, AudienceRef("1", target.audience, "https://example.com"))
    draft = Plan(SEGMENT, target.label, "before", target.mode, installation.today.isoformat(), "before", (), Counts())
    plan = ledger.enter_plan(draft, "before", 1, dry=False)
    folder = generation_folder(SEGMENT, target.label, plan)
    for number, frame in enumerate(_held(_keys(installation, made), count, installation)):
        lake.write_members(f"{folder}/part-{number:05d}.parquet", frame)
    ledger.seal(plan, folder, count)


def _held(keys: Sequence[KeyColumn], count: int, installation: Workspace) -> Iterator[pl.DataFrame]:
    """In the order of their ids, with the columns of a generation."""
    import polars as pl

    names = {key.name: key.field.value for key in keys}
    since = {"added_on": pl.lit(installation.today), "unsure": pl.lit(value=False)}
    for first in range(0, count, _AT_ONCE):
        numbers = pl.select(number=pl.int_range(first, min(first + _AT_ONCE, count), dtype=pl.UInt64))
        yield _members(numbers, keys, count, 0).rename(names).with_columns(**since)


def _keys(installation: Workspace, made: Segment) -> Sequence[KeyColumn]:
    from guestlist.pipeline.columns import key_columns

    return key_columns(made.identifiers, tuple(installation.capabilities(made).values()))


def _members(numbers: pl.DataFrame, keys: Sequence[KeyColumn], count: int, every: int) -> pl.DataFrame:
    """Prepared members by their numbers. Ids are spread evenly, and grow with the numbers: so a generation is sorted."""
    import polars as pl

    from guestlist.identity.hashing import sha256_hex

    number = pl.col("number")
    odd = (number % every == 0) if every else pl.lit(value=False)
    new = odd & (number // max(every, 1) % 2 == 1)
    person = pl.when(new).then(number + count).otherwise(number)
    digits = pl.Series([f"{value:04x}" for value in range(_MANY)])
    spread = number * (_MANY * _MANY // count)
    member = pl.concat_str(
        pl.lit(digits).gather(spread // _MANY),
        pl.lit(digits).gather(spread % _MANY),
        sha256_hex(pl.lit("member ") + person.cast(pl.String)).str.slice(0, 24),
    )
    email = pl.when(odd).then(number + count).otherwise(number)
    made = {"email": _hash("email ", email), "phone": _hash("phone ", person)}
    columns = [member.alias("member")]
    for key in keys:
        value = made.get(key.field.value)
        columns.append((_one_of(key, person) if value is None else value.reshape((-1, 1)).arr.to_list()).alias(key.name))
    return numbers.lazy().select(columns).collect(engine="streaming")


def _hash(what: str, number: pl.Expr) -> pl.Expr:
    import polars as pl

    from guestlist.identity.hashing import sha256_hex

    return sha256_hex(pl.lit(what) + number.cast(pl.String))


def _one_of(key: KeyColumn, number: pl.Expr) -> pl.Expr:
    """A value of a field that many people share."""
    import polars as pl

    from guestlist.identity.hashing import sha256_hex

    kinds = {"country": 30, "first_name": 5_000, "last_name": 50_000, "postal_code": 40_000}[key.field.value]
    values = pl.select(value=pl.lit(f"{key.field.value[:2]}") + pl.int_range(kinds).cast(pl.String))
    values = values.select(sha256_hex(pl.col("value"))) if key.recipe.hashed else values
    return pl.lit(values.to_series()).gather(number * _STRIDE % kinds)


def plan_facts(installation: Workspace, plan_id: int) -> dict[str, Any]:
    """What a plan sends, in numbers."""
    plan = installation.plan(plan_id)
    return {
        "added": sum(upload.rows for upload in plan.uploads if upload.operation == "add"),
        "removed": sum(upload.rows for upload in plan.uploads if upload.operation == "remove"),
        "requests": sum(len(upload.cuts) for upload in plan.uploads),
        "parts": sum(upload.parts for upload in plan.uploads),
    }

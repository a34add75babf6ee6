"""Raw rows -> match keys and a drop report; rows in = rows kept + rows dropped by reason. No raw value leaves this step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from guestlist.identity.hashing import hmac_sha256_hex, sha256_hex
from guestlist.identity.recipes import recipe
from guestlist.model.capabilities import Capabilities
from guestlist.model.plan import Drops
from guestlist.model.segment import GRANTED, Segment
from guestlist.model.vocabulary import IDENTIFYING, MULTI_VALUED, PREHASHED, Field
from guestlist.pipeline.audience import MEMBER, VALUE, column_of
from guestlist.pipeline.columns import COMPARED_BY, key_column, key_columns
from guestlist.pipeline.commonest import majority
from guestlist.pipeline.derive import KeyColumn, derivations
from guestlist.pipeline.erasure import NOBODY, Erased, belongs
from guestlist.pipeline.repeats import Seen

_YES = ("true", "t", "yes", "y", "1", GRANTED)
_MEMBER_DIGITS = 32
"""128 bits name a member; the key itself stays in the source."""
_NUMBER = "number"
_SORTING_DIGITS = 15
"""As many as a 64-bit integer holds."""
_HOLDOUT_DIGITS = 8
_SLICE = 65_536


@dataclass(frozen=True)
class Wanted:
    """Rows of a batch whose people are wanted, and beside them ``members``: their names, and a number that sorts like these."""

    members: pl.DataFrame
    rows: pl.DataFrame

    def parted(self, seen: Seen) -> tuple[Wanted, Wanted]:
        """Those who come for the first time, and those who may have come before."""
        order = self.order()
        new = seen.add(self.members.get_column(_NUMBER)[order])
        if new.all():
            return self, Wanted(self.members.clear(), self.rows.clear())
        first = new[order.arg_sort()]
        return self.only(first), self.only(~first)

    def order(self) -> pl.Series:
        """The places of the rows sorted by member; of one member the first row stays the first."""
        return self.members.select(pl.arg_sort_by(_NUMBER, maintain_order=True)).to_series()

    @staticmethod
    def together(parts: Sequence[Wanted]) -> Wanted:
        """Rows of several batches as those of one."""
        return Wanted(pl.concat(part.members for part in parts), pl.concat(part.rows for part in parts))

    def only(self, rows: pl.Series) -> Wanted:
        """Those rows where the mask holds."""
        return Wanted(self.members.filter(rows), self.rows.filter(rows))


@dataclass
class Preparer:
    """Prepares a segment's rows batch by batch, and counts what it leaves out.

    ``suppressed`` maps a prepared column to the keys that nobody on the audiences may have; nobody of ``erased`` comes back.
    """

    segment: Segment
    capabilities: Sequence[Capabilities]
    suppressed: Mapping[str, pl.Series] = field(default_factory=dict)
    erased: Erased = NOBODY
    drops: Drops = field(default_factory=Drops)

    def __post_init__(self) -> None:
        """Work out the columns once; those that only suppression needs are made, and never leave this step."""
        self.keys = key_columns(self.segment.identifiers, self.capabilities)
        self._suppressing = self._only_to_suppress()
        made = (*self.keys, *self._suppressing)
        self.derivations = derivations(made, strict_phones=self.segment.strict_phones)
        self._telling = {key.field: key.name for key in self.keys if key.field in IDENTIFYING}.values()
        self.suspects: dict[str, set[int]] = {}
        """Prepared column, one for each field that identifies -> hashes of values that most rows of some slice have."""

    def _only_to_suppress(self) -> tuple[KeyColumn, ...]:
        """Columns that no platform takes: who asked by email is kept off lists of phones as well.

        Erased people are looked for by forms that do not depend on platforms: one that is added later finds them, too.
        """
        prepared = {key.name for key in self.keys}
        compared = {
            column_of(field_, PREHASHED if self.segment.identifiers[field_].hashed else COMPARED_BY[field_])
            for field_ in self.erased.digests
            if field_ in self.segment.identifiers
        }
        wanted = sorted({*self.suppressed, *compared} - prepared)
        names = (name.split(":", 1) for name in wanted)
        return tuple(key_column(self.segment.identifiers, Field(field_), recipe(rule)) for field_, rule in names)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """What has to be read, each column once."""
        keys = (*self.keys, *self._suppressing)
        names = [self.segment.key, *(name for key in keys for name in key.sources)]
        names += [key.region for key in keys if key.region and not key.region_is_fixed]
        names += self.segment.consent.columns
        if self.segment.value:
            names.append(self.segment.value.column)
        return tuple(dict.fromkeys(names))

    def prepare(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Members of one batch of String columns: ``member``, the key columns, ``value`` where the segment has one."""
        wanted = self.wanted(rows, self.drops)
        return pl.concat(self._prepared(wanted, pl.int_range(wanted.rows.height, eager=True), self.drops))

    def prepare_in_slices(self, wanted: Wanted, drops: Drops) -> Iterator[pl.DataFrame]:
        """The same in pieces, for hashes take ten times the memory of what they are made from; sorted by member.

        Several threads may prepare batches, each with ``drops`` of its own.
        """
        # rows are sorted before they grow, and by a number: text takes twenty times as long
        yield from self._prepared(wanted, wanted.order(), drops)

    def _prepared(self, wanted: Wanted, order: pl.Series, drops: Drops) -> Iterator[pl.DataFrame]:
        """The members that can be reached and are not suppressed, slice after slice."""
        keys = (*self.keys, *self._suppressing)
        members = wanted.members.select(MEMBER)
        if self.segment.value:
            members = members.with_columns(wanted.rows.select(self._value()).to_series())
        members = members[order]
        drops.considered += members.height
        pieces = zip(*(derivation.derive(wanted.rows, order, drops, _SLICE) for derivation in self.derivations), strict=True)
        for index, made in enumerate(pieces):
            piece = members.slice(index * _SLICE, _SLICE).with_columns(_joined(key, made) for key in keys)
            self._look_at(piece, made, drops)
            kept = self._without_erased(self._unsuppressed(piece, drops), drops).drop(key.name for key in self._suppressing)
            reachable = kept.filter(pl.any_horizontal(_has(key) for key in self.keys))
            drops.add_row("no_key", kept.height - reachable.height)
            drops.prepared += reachable.height
            yield reachable

    def _look_at(self, piece: pl.DataFrame, made: Sequence[pl.DataFrame], drops: Drops) -> None:
        """Count who has which key, and remember keys that may turn out to be everybody's."""
        has = [_has(key).sum().alias(key.name) for key in self.keys]
        if self.segment.value:
            has.append(pl.col(VALUE).is_not_null().sum())
        for column, rows in piece.select(has).row(0, named=True).items():
            drops.covered[column] = drops.covered.get(column, 0) + rows
        for name in self._telling:
            for frame in made:
                if name in frame.columns and (found := majority(frame.get_column(name))) is not None:
                    self.suspects.setdefault(name, set()).add(found)

    def wanted(self, rows: pl.DataFrame, drops: Drops) -> Wanted:
        """Rows with a key and with consent that are not held out."""
        drops.read += rows.height
        key = pl.col(self.segment.key).str.strip_chars()
        for reason, condition in (
            ("no_member_key", key.str.len_bytes() > 0),
            ("no_consent", self._consented()),
            ("holdout", self._treated(key)),
        ):
            if condition is not None:
                before = rows.height
                rows = rows.filter(condition.fill_null(value=False))
                drops.add_row(reason, before - rows.height)
        number = pl.col(MEMBER).str.head(_SORTING_DIGITS).str.to_integer(base=16)
        return Wanted(rows.select(_member(self.segment)).with_columns(number.alias(_NUMBER)), rows)

    def _consented(self) -> pl.Expr | None:
        columns = self.segment.consent.columns
        said = [pl.col(name).str.strip_chars().str.to_lowercase().is_in(_YES) for name in columns]
        return pl.all_horizontal(said) if said else None

    def _treated(self, key: pl.Expr) -> pl.Expr | None:
        """Whether a member is outside the holdout: a larger share always contains the smaller one."""
        holdout = self.segment.holdout
        if holdout is None:
            return None
        drawn = hmac_sha256_hex(key, holdout.experiment).str.slice(0, _HOLDOUT_DIGITS).str.to_integer(base=16)
        threshold = float(holdout.percent / 100 * 16**_HOLDOUT_DIGITS)
        return drawn >= threshold

    def _value(self) -> pl.Expr:
        """A non-negative number; null where the source has none."""
        number = (
            pl.col(self.segment.value.column if self.segment.value else "").str.strip_chars().cast(pl.Float64, strict=False)
        )
        return pl.when(number.is_finite() & (number >= 0)).then(number).alias(VALUE)

    def _unsuppressed(self, members: pl.DataFrame, drops: Drops) -> pl.DataFrame:
        for name, keys in self.suppressed.items():
            column = pl.col(name)
            is_list = members.schema[name] == pl.List(pl.String)
            hit = column.list.eval(pl.element().is_in(keys.implode())).list.any() if is_list else column.is_in(keys.implode())
            before = members.height
            members = members.filter(~hit.fill_null(value=False))
            drops.add_row("suppressed", before - members.height)
        return members

    def _without_erased(self, members: pl.DataFrame, drops: Drops) -> pl.DataFrame:
        if not self.erased:
            return members
        kept = members.filter(~belongs(self.erased, members.schema))
        drops.add_row("erased", members.height - kept.height)
        return kept


def _member(segment: Segment) -> pl.Expr:
    key = pl.col(segment.key).str.strip_chars()
    return sha256_hex(pl.lit(f"{segment.name}\x1f") + key).str.slice(0, _MEMBER_DIGITS).alias(MEMBER)


def _has(key: KeyColumn) -> pl.Expr:
    column = pl.col(key.name)
    return (column.list.len() > 0) if key.field in MULTI_VALUED else column.is_not_null()


def _joined(key: KeyColumn, made: Sequence[pl.DataFrame]) -> pl.Series:
    """A key column: the values of all its source columns as a list, null where there is none, or those of its only column."""
    values = [frame.get_column(key.name) for frame in made if key.name in frame.columns]
    if key.field not in MULTI_VALUED:
        return values[0].alias(key.name)
    columns = pl.DataFrame([value.alias(str(index)) for index, value in enumerate(values)])
    if len(values) == 1:
        return columns.select(_listed(pl.col("0"))).to_series().alias(key.name)
    several = pl.sum_horizontal(pl.all().is_not_null()) > 1
    numbered = columns.with_columns(several.alias("several")).with_row_index()
    many = numbered.filter("several").select(
        "index", pl.concat_list(columns.columns).list.drop_nulls().list.unique(maintain_order=True)
    )
    few = numbered.filter(~pl.col("several")).select("index", _listed(pl.coalesce(columns.columns)))
    return pl.concat([few, many.rename({many.columns[1]: few.columns[1]})]).sort("index").to_series(1).alias(key.name)


def _listed(value: pl.Expr) -> pl.Expr:
    """A list of the one value, or null; made without copying, while joining lists costs as much as hashing."""
    return pl.when(value.is_not_null()).then(value.reshape((-1, 1)).arr.to_list())

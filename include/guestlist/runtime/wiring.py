"""Names in, ready objects out: the one place that puts segments, connections, platforms and storage together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from guestlist.destinations import destination_class
from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceSpec
from guestlist.model.capabilities import Capabilities, Polling, Rate
from guestlist.model.connection import Connection, parse_connection
from guestlist.model.dbt import Dbt
from guestlist.model.errors import ConfigError
from guestlist.model.plan import Plan
from guestlist.model.segment import Segment
from guestlist.model.source import Source, Upload
from guestlist.runtime import clock
from guestlist.runtime.carriers import Carriers
from guestlist.runtime.config import Config
from guestlist.runtime.driver import Driver, Retries
from guestlist.runtime.intake.kept import Keeper
from guestlist.runtime.intake.reading import reader_of
from guestlist.runtime.lake import Lake
from guestlist.runtime.pace import Pace
from guestlist.runtime.vault import CONNECTION as VAULT_CONNECTION
from guestlist.runtime.vault import Vault, key_from_file
from guestlist.sources import open_source
from guestlist.sources.base import Reader
from guestlist.sources.dbt import Build, last_build
from guestlist.sources.files import FileReader
from guestlist.sources.partitions import InTurn, Partition, of_files, of_query
from guestlist.sources.templates import partition_problem, query_text, rendered

if TYPE_CHECKING:  # SQLAlchemy takes as long to load as Polars and Arrow together
    from guestlist.runtime.ledger import Ledger

Resolve = Callable[[str], Connection]


def connection_from_environment(name: str) -> Connection:
    """The connection in ``AIRFLOW_CONN_<NAME>``, as Airflow itself would find it there."""
    variable = f"AIRFLOW_CONN_{name.upper()}"
    if not (text := os.environ.get(variable)):
        raise ConfigError(f"there is no connection {name!r}: define it in Airflow, or outside of Airflow as {variable}")
    return parse_connection(name, text)


def capabilities_of(segment: Segment) -> dict[str, Capabilities]:
    """What each destination of a segment can do, by label."""
    return {
        target.label: (cls := destination_class(target.platform)).capabilities_for(cls.Options(**target.options))
        for target in segment.destinations
    }


@dataclass(frozen=True)
class Ready:
    """One destination of a segment, ready to talk to its platform."""

    label: str
    destination: Destination
    driver: Driver
    carriers: Carriers
    spec: AudienceSpec
    polling: Polling | None

    @property
    def capabilities(self) -> Capabilities:
        """Of the platform, with this destination's options."""
        return self.destination.capabilities

    def close(self) -> None:
        """Give back the connections to the platform."""
        self.carriers.close()


@dataclass
class Workspace:
    """One installation: its storage, its connections, and what is made from them on demand.

    ``variables`` are what SQL templates may use (``ds`` and its kin); ``pull_date`` is the day of the run.
    """

    config: Config = field(default_factory=Config.from_environment)
    resolve: Resolve = connection_from_environment
    variables: Mapping[str, Any] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    sleep: clock.Sleep = clock.sleep
    _paces: dict[tuple[str, tuple[Rate, ...]], Pace] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, with its tables up to date."""
        from guestlist.runtime.ledger import open_ledger

        return open_ledger(self.config.ledger)

    @cached_property
    def lake(self) -> Lake:
        """The lake, to read from; it opens what is encrypted."""
        return Lake(self.config.lake, lambda: self.vault)

    def lake_for(self, segment: Segment, root: str | None = None) -> Lake:
        """The lake, or another one at ``root``, to write a segment's members to: encrypted if a platform takes plain text.

        Raises:
            ConfigError: they have to be encrypted, and there is no key, or one that does not open this lake.
        """
        locking = self.keeps_plain_text(segment)
        lake = Lake(root or self.config.lake, lambda: self.vault, locking=locking)
        if locking:
            lake.prove_key()
        return lake

    def keeps_plain_text(self, segment: Segment) -> bool:
        """Whether a platform of the segment takes plain text, so that its members are kept encrypted."""
        return any(can.plain_text for can in self.capabilities(segment).values())

    @property
    def vault(self) -> Vault:
        """What encrypts files: by the key in the key file, or else the password of the connection ``guestlist_vault``.

        The file is read each time: a key that is changed meanwhile serves the next file.
        """
        path = self.config.vault_key
        keys = key_from_file(path)
        if keys is None and not (keys := self.key_of_connection):
            where = f"in {path} (`guestlist vault create` makes one), or as the password of the connection {VAULT_CONNECTION!r}"
            raise ConfigError(f"what platforms take in plain text, and uploads, are kept encrypted: put a key {where}")
        return Vault(keys)

    @cached_property
    def key_of_connection(self) -> str | None:
        """What the connection ``guestlist_vault`` has as its password; None if there is none."""
        try:
            return self.resolve(VAULT_CONNECTION).password
        except ConfigError:
            return None

    @property
    def keeper(self) -> Keeper:
        """What keeps uploads, encrypted.

        Raises:
            ConfigError: there is no vault.
        """
        return Keeper(Lake(self.config.lake), self.vault)

    @property
    def today(self) -> date:
        """The day of the run, in UTC."""
        return clock.now().date()

    def capabilities(self, segment: Segment) -> dict[str, Capabilities]:
        """What each destination of a segment can do, by label; needs no connection."""
        return capabilities_of(segment)

    def ready(self, segment: Segment, label: str) -> Ready:
        """A destination with its driver and carriers; nothing is sent yet.

        Raises:
            ConfigError: no such destination, or its connection is missing or wrong.
        """
        target = segment.destination(label)
        cls = destination_class(target.platform)
        try:
            settings = cls.Settings.of(self.resolve(target.connection))
        except ConfigError as error:
            raise error.at(segment=segment.name, destination=label) from None
        destination = cls(settings, cls.Options(**target.options))
        carriers = Carriers(settings)
        rates = destination.capabilities.limits.rates
        pace = self._paces.setdefault((target.connection, rates), Pace(rates))
        driver = Driver(carriers, destination.judge, self.retries, self.sleep, pace=pace)
        spec = AudienceSpec(
            name=target.audience,
            description=segment.description,
            reference=f"guestlist:{segment.name}:{label}",
            fields=tuple(key.field for key in destination.capabilities.keys if key.field in segment.identifiers),
            mode=target.mode,
            value_based=bool(segment.value) and destination.capabilities.takes_value,
            known=self.ledger.audience(segment.name, label),
        )
        return Ready(label, destination, driver, carriers, spec, _polling(destination.capabilities.polling, settings))

    def plan(self, plan_id: int) -> Plan:
        """A plan as it was written, with its segment, parts and batches."""
        return Plan.from_json(self.lake.read_json(f"{self.ledger.plan_path(plan_id)}/plan.json"))

    def build(self, dbt: Dbt) -> Build:
        """What dbt's artifacts tell of a model."""
        connection = self.resolve(dbt.connection) if dbt.connection else None
        return last_build(dbt, connection, self.config.segments.parent, self.config.files)

    def reader(self, source: Source, partition: Partition | None = None) -> Reader:
        """What reads a source: one partition of it, or all of them."""
        if isinstance(source, Upload):
            return reader_of(source, self.ledger, self.keeper)
        if partition is None and source.sql and source.partitions:
            return InTurn([self.reader(source, each) for each in self.partitions(source)])
        connection = self.resolve(source.connection) if source.connection else None
        source = self.with_final_sql(source, partition)
        found = open_source(source, connection, self.config.segments.parent, self.config.files)
        if partition and partition.files and isinstance(found, FileReader):
            return replace(found, only=partition.files)
        return found

    def with_final_sql(self, source: Source, partition: Partition | None = None) -> Source:
        """The source with its SQL, if it has any, read and rendered."""
        if not source.sql:
            return source
        text = query_text(source.sql, self.config.segments.parent, self.config.files)
        today = {"ds": self.today.isoformat(), "ds_nodash": self.today.strftime("%Y%m%d")}
        part = {"partition": partition.word, "partitions": partition.count} if partition else {}
        return source.model_copy(update={"sql": rendered(text, {**today, **self.variables, **part})})

    def partitions(self, source: Source) -> tuple[Partition, ...]:
        """The parts of a source that can be read by themselves; together they are all of it.

        Raises:
            ConfigError: its query does not tell partitions apart. DataError: there are no files.
        """
        if source.file and isinstance(found := self.reader(source), FileReader):
            return of_files(source, [file.path for file in found.files()])
        text = query_text(source.sql or "", self.config.segments.parent, self.config.files)
        if problem := partition_problem(source, text):
            raise ConfigError(problem)
        return of_query(source)


def _polling(polling: Polling | None, settings: Any) -> Polling | None:
    if polling is None:
        return None
    first, longest = settings.poll_first_seconds, settings.poll_longest_seconds
    return Polling(
        first=polling.first if first is None else first,
        factor=polling.factor,
        longest=polling.longest if longest is None else longest,
        give_up=polling.give_up,
    )

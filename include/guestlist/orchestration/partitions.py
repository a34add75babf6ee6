"""The tasks that prepare a source in parts: list its partitions, prepare each by itself, on any worker, and gather them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Asset, TaskGroup

from guestlist.model.segment import Segment
from guestlist.orchestration.operators import SegmentOperator
from guestlist.orchestration.plainly import plainly

log = logging.getLogger("guestlist.airflow")


class PartitionsOperator(SegmentOperator):
    """List the partitions of the source. Returns one description for each: numbers, words of the segment file, files' paths."""

    @plainly
    def execute(self, context: Any) -> list[dict[str, Any]]:
        """Nothing of the source's rows is read."""
        workspace, segment, _ = self._begin(context)
        return [partition.as_json() for partition in workspace.partitions(segment.source)]


class PreparePartitionOperator(SegmentOperator):
    """Read one partition once; write its hashed members to the lake. Returns where they are."""

    template_fields = ("partition",)

    def __init__(self, *, partition: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    @plainly
    def execute(self, context: Any) -> str:
        """The rows read are told as they come."""
        from guestlist.runtime import sync
        from guestlist.sources.partitions import Partition

        partition = Partition.from_json(self.partition)
        context["label"] = partition.label
        workspace, segment, run_id = self._begin(context)
        return sync.prepare_partition(
            workspace, segment, run_id, partition, lambda rows: log.info("%s: %d rows read", partition.label, rows)
        ).path


class GatherOperator(SegmentOperator):
    """Make one of what was prepared in parts. Returns counts, as `PrepareOperator` does."""

    template_fields = ("folders",)

    def __init__(self, *, folders: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folders = folders

    @plainly
    def execute(self, context: Any) -> dict[str, Any]:
        """Enters the run in the ledger."""
        from guestlist.runtime import sync

        workspace, segment, run_id = self._begin(context)
        return self._tell(context, sync.gather(workspace, segment, run_id, list(self.folders)))


def prepare_in_parts(segment: Segment, outlets: Sequence[Asset]) -> TaskGroup:
    """The task group that stands where one task prepares other segments."""
    with TaskGroup("prepare", tooltip="the source in parts") as group:
        partitions = PartitionsOperator(task_id="partitions", segment=segment.name)
        prepared = PreparePartitionOperator.partial(
            task_id="partition", segment=segment.name, map_index_template="{{ label | default('partition') }}"
        ).expand(partition=partitions.output)
        GatherOperator(task_id="gather", segment=segment.name, folders=prepared.output, outlets=list(outlets))
    return group

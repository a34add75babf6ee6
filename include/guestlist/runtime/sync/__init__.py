"""The verbs of a run, which the DAG and the command line share: prepare, plan, deliver, settle, seal, report.

Each takes and gives small plain values, so that any of them can run in a process of its own, be killed, and run again.
"""

from guestlist.runtime.preparation import Prepared
from guestlist.runtime.stopped import APPROVE, EXPIRED, REJECT
from guestlist.runtime.sync.approval import approved_run, check_guards, numbers, waiting_plans
from guestlist.runtime.sync.builds import await_builds
from guestlist.runtime.sync.deliver import close_and_poll, find_audience, leftovers, open_session, send_part
from guestlist.runtime.sync.partitions import gather, prepare_partition
from guestlist.runtime.sync.plan import PlanOptions, make_plan, unfinished_plan
from guestlist.runtime.sync.prepare import prepare
from guestlist.runtime.sync.report import destination_counts, report_run, verdict
from guestlist.runtime.sync.sample import Sample, sample_of
from guestlist.runtime.sync.seal import seal
from guestlist.runtime.sync.tidy import tidy

__all__ = [
    "APPROVE",
    "EXPIRED",
    "REJECT",
    "PlanOptions",
    "Prepared",
    "Sample",
    "approved_run",
    "await_builds",
    "check_guards",
    "close_and_poll",
    "destination_counts",
    "find_audience",
    "gather",
    "leftovers",
    "make_plan",
    "numbers",
    "open_session",
    "prepare",
    "prepare_partition",
    "report_run",
    "sample_of",
    "seal",
    "send_part",
    "tidy",
    "unfinished_plan",
    "verdict",
    "waiting_plans",
]

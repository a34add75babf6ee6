"""What a task fails with is a sentence of ours: events and alerts hold whatever is raised."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from structlog.contextvars import bound_contextvars

from guestlist.model.errors import GuestlistError
from guestlist.orchestration.alerts import leave_error
from guestlist.orchestration.lineage import TellsLineage

log = logging.getLogger("guestlist.airflow")
Operator = TypeVar("Operator", bound=TellsLineage)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Execute = Callable[Concatenate[Operator, Any, Arguments], Result]


class UnexpectedError(Exception):
    """A fault of ours or of a library, without its own words: they may quote a row."""


def plainly(execute: Execute[Operator, Arguments, Result]) -> Execute[Operator, Arguments, Result]:
    """Log our own errors as the one sentence that they are, above Airflow's trace, and leave the sentence for the run's report.

    Every line of the task's log says which segment and destination it is about. Of an error that led to another one nothing is
    passed on; what nobody expected is told whole in the task's log alone.
    """

    @wraps(execute)
    def execute_plainly(self: Operator, context: Any, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        where = {name: getattr(self, name) for name in ("segment", "destination") if hasattr(self, name)}
        with bound_contextvars(**where):
            try:
                return execute(self, context, *arguments, **options)
            except AirflowSkipException:
                raise
            except GuestlistError as error:
                log.error("%s", error)  # noqa: TRY400 - the sentence alone
                leave_error(context, error)
                told: Exception = error
            except AirflowException as error:
                told = error
            except Exception as error:
                log.exception("nobody expected this")
                told = UnexpectedError(f"{type(error).__name__}, which nobody expected: the task's log has its trace")
            self.gather(context)
            raise told from None

    return execute_plainly  # type: ignore[return-value]  # Airflow passes the context by its name

"""Which failures Airflow tries again, in minutes: the driver has tried for seconds already, the next run does the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import RetryDecision, RetryPolicy

from guestlist.model.errors import GuestlistError, TransientError

_LONGEST_WAIT = timedelta(hours=6)


class GuestlistRetryPolicy(RetryPolicy):
    """Transient trouble is tried again, after the platform's own delay where it names one; everything else fails at once."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Decide on the type of the error alone."""
        if isinstance(exception, TransientError) and exception.retry_after:
            wait = min(timedelta(seconds=exception.retry_after), _LONGEST_WAIT)
            return RetryDecision.retry(wait, reason="the platform asked to wait")
        if isinstance(exception, TransientError):
            return RetryDecision.default()
        if isinstance(exception, GuestlistError):
            return RetryDecision.fail(f"{type(exception).__name__}: trying again cannot help")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """It has no settings."""
        return {}


RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
    "retry_policy": GuestlistRetryPolicy(),
}
"""What every task of ours is started with."""

"""Meta's throttling: the hourly quota of an ad account and its score, told in headers on every answer.

https://developers.facebook.com/docs/marketing-api/overview/rate-limiting/
"""

from __future__ import annotations

import json
import math

from guestlist.sandbox._meta_errors import refused, usage_header
from guestlist.sandbox.core import Platform

_HOUR = 3600
_SCORE_WINDOW = 300
_TIERS = {"standard_access": (190_000, 9000, 60), "development_access": (5000, 60, 300)}
_READ, _WRITE = 1, 3
_MOST_CALLS = 700_000


class Usage:
    """What each ad account has spent, by the sandbox's clock."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._quotas = platform.world.quotas

    def spend(self, account: str, *, reading: bool) -> None:
        """Count a call; raises `Refused` when the score or the hourly quota is used up."""
        calls, score, block = self._limits(account)
        if self._quotas.blocked(f"meta {account}"):
            raise refused(17, 2446079)
        if self._quotas.spend(f"meta score {account}", _SCORE_WINDOW, score, _READ if reading else _WRITE):
            self._quotas.block(f"meta {account}", block)
            raise refused(17, 2446079)
        if self._quotas.spend(f"meta calls {account}", _HOUR, calls):
            raise refused(80003)

    def headers(self, account: str) -> dict[str, str]:
        """The three usage headers."""
        calls, score, _ = self._limits(account)
        tier = self._platform.settings["tier"]
        spent = self._quotas.spent(f"meta calls {account}", _HOUR)
        percent = min(100, round(100 * spent / calls))
        wait = 0 if spent < calls else math.ceil((_HOUR - self._platform.clock.now() % _HOUR) / 60)
        share = round(100 * self._quotas.spent(f"meta score {account}", _SCORE_WINDOW) / score, 2)
        blocked = self._quotas.blocked(f"meta {account}")
        account_usage = {
            "acc_id_util_pct": min(100.0, share),
            "reset_time_duration": math.ceil(blocked),
            "ads_api_access_tier": tier,
        }
        return {
            **usage_header(account, "custom_audience", percent, wait, tier),
            "x-app-usage": json.dumps({"call_count": percent, "total_time": percent // 2, "total_cputime": percent // 2}),
            "x-ad-account-usage": json.dumps(account_usage),
        }

    def _limits(self, account: str) -> tuple[int, int, int]:
        """Calls an hour, score, and seconds of block."""
        settings = self._platform.settings
        calls, score, block = _TIERS[settings["tier"]]
        if settings["calls_per_hour"] is not None:
            calls = settings["calls_per_hour"]
        else:
            calls = min(calls + 40 * len(self._platform.book.of_account(account)), _MOST_CALLS)
        return calls, settings["score_limit"] or score, block

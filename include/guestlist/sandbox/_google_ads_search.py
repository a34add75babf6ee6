"""GAQL reads of the Google Ads API: a page or a stream of rows of customers, lists and jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.ads.googleads.v26.services.types import google_ads_service as search

from guestlist.sandbox import _gaql as gaql
from guestlist.sandbox import _google_ads_rows as rows
from guestlist.sandbox._google_ads_errors import refuse
from guestlist.sandbox._google_ads_jobs import Jobs
from guestlist.sandbox._google_lists import Lists
from guestlist.sandbox._rpc import RpcRequest
from guestlist.sandbox.core import Platform

_PAGE = 10_000


class Searches:
    """GoogleAdsService; ``admit`` checks a request and counts so many operations."""

    def __init__(self, platform: Platform, listed: Lists, jobs: Jobs, admit: Callable[[RpcRequest, int], str]) -> None:
        self._platform = platform
        self._lists = listed
        self._jobs = jobs
        self._admit = admit

    def page(self, request: RpcRequest) -> Any:
        """GoogleAdsService.Search."""
        token = request.message.page_token
        self._admit(request, 0 if token else 1)
        if request.message.page_size:
            raise refuse("request_error.PAGE_SIZE_NOT_SUPPORTED", "", "page_size")
        if token and not token.isdigit():
            raise refuse("request_error.INVALID_PAGE_TOKEN", "", "page_token")
        fields, found = self._select(request.message)
        start = int(token or 0)
        answer = search.SearchGoogleAdsResponse.pb()(results=found[start : start + _PAGE], total_results_count=len(found))
        answer.field_mask.paths.extend(fields)
        if start + _PAGE < len(found):
            answer.next_page_token = str(start + _PAGE)
        return answer

    def stream(self, request: RpcRequest) -> Any:
        """GoogleAdsService.SearchStream, in one message."""
        self._admit(request, 1)
        fields, found = self._select(request.message)
        answer = search.SearchGoogleAdsStreamResponse.pb()(results=found)
        answer.field_mask.paths.extend(fields)
        return answer

    def _select(self, message: Any) -> tuple[list[str], list[Any]]:
        """The selected fields, and the rows of a query."""
        customer = message.customer_id
        try:
            query = gaql.parse(message.query)
            known = rows.fields_of(query.resource)
            rows.check(query, known)
            found = gaql.run(query, self._rows(query.resource, customer))
        except gaql.GaqlError as error:
            raise refuse(f"query_error.{error.code}", str(error), "query") from None
        return query.fields, [rows.message_of(row, query.fields) for row in found]

    def _rows(self, resource: str, customer: str) -> list[dict[str, Any]]:
        rate, lag = self._platform.settings["match_rate"], self._platform.settings["size_lag_seconds"]
        owner = rows.customer_fields(customer, terms=self._platform.settings["terms_accepted"], test=False)
        if resource == "customer":
            return [owner]
        if resource == "offline_user_data_job":
            return [owner | rows.job_fields(job, rate) for job in self._jobs.all(customer)]
        found = []
        for audience in self._platform.book.of_account(customer):
            computed = self._platform.clock.now() >= audience.created + lag
            size = self._lists.size(audience, lag, rate) if computed else None
            found.append(owner | rows.list_fields(audience, size, rate))
        return found

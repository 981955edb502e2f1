"""Respan's official clients, respan-api and keywordsai, against a running upstream.

What they return is measured against the rows that a plain HTTP client reads. The upstream must limit calls, to at
least 100 and at most 600 a minute: the last check calls until it is refused.
"""

import asyncio
import datetime
import json
import urllib.parse
import urllib.request

import httpx
from keywordsai.logs.api import LogAPI
from respan import AsyncRespanClient, Filters, FilterValue, RespanClient
from respan.core.api_error import ApiError
from respan.errors import BadRequestError, TooManyRequestsError

from checks import equal, raises

UTC = datetime.timezone.utc
START = datetime.datetime(2000, 1, 1, tzinfo=UTC)
END = datetime.datetime(2100, 1, 1, tzinfo=UTC)
PAGE = 1000
MAX_CALLS = 600
# A refusal is an answer here: the client must not try again.
ONCE = {"max_retries": 0}
QUALITY = "d4f46e95-73ff-4166-8581-928c1a1b1589"


def _truth(url, key):
    """Every row of production, page by page."""
    rows = []
    while True:
        page = len(rows) // PAGE + 1
        query = urllib.parse.urlencode({"start_time": START.isoformat(), "end_time": END.isoformat(),
                                        "page": page, "page_size": PAGE})
        request = urllib.request.Request(f"{url}/api/request-logs/list/?{query}",
                                         headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = json.load(answer)
        rows += body["results"]
        if body["next"] is None:
            return rows


def _moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _ids(rows):
    return sorted(row["unique_id"] for row in rows)


class _Respan:
    """The newer client: POST, filters in the body, a pager that asks until a page is empty."""

    def __init__(self, url, key, truth):
        self.url = url
        self.key = key
        self.truth = truth
        self.client = self.connect(key)

    def connect(self, key):
        """A client with this key."""
        return RespanClient(base_url=self.url, authorization=f"Bearer {key}", respan_api_key=None)

    def rows(self, **arguments):
        """All rows of production that the arguments select."""
        return list(self.client.spans.list_spans(
            page_size=PAGE, start_time=START, end_time=END, environment="prod", request_options=ONCE, **arguments))

    def same(self, takes, **arguments):
        """The arguments select what the test takes: something, but not everything."""
        expected = [row for row in self.truth if takes(row)]
        assert 0 < len(expected) < len(self.truth), f"{arguments} tells nothing apart"
        equal(_ids(self.rows(**arguments)), _ids(expected))

    def check_full_paging_gives_every_row_once(self):
        """The pages of the client are the rows of the truth."""
        rows = self.rows(sort_by="-timestamp")
        equal(len(rows), len(self.truth))
        equal(_ids(rows), _ids(self.truth))

    def check_small_pages_and_count(self):
        """The first page of a pager."""
        pager = self.client.spans.list_spans(page_size=7, start_time=START, end_time=END, request_options=ONCE)
        equal(len(pager.items), 7)
        assert pager.response.count in (7, len(self.truth)), f"count is {pager.response.count}"
        assert pager.response.next and pager.response.previous is None, "the first page leads to the second alone"

    def check_async_pager(self):
        """The asynchronous client reads the same."""
        async def read():
            client = AsyncRespanClient(base_url=self.url, authorization=f"Bearer {self.key}", respan_api_key=None)
            pager = await client.spans.list_spans(
                page_size=PAGE, start_time=START, end_time=END, environment="prod", log_type="chat",
                request_options=ONCE)
            return [row async for row in pager]

        expected = [row for row in self.truth if row["log_type"] == "chat"]
        equal(_ids(asyncio.run(read())), _ids(expected))

    def check_sorts(self):
        """By time, cost and score, nulls last."""
        def mark(row):
            return ((row.get("scores") or {}).get(QUALITY) or {}).get("score_value")

        for name, value in [("timestamp", lambda row: _moment(row["timestamp"]).timestamp()),
                            ("cost", lambda row: row.get("cost")), (f"scores__{QUALITY}", mark)]:
            for descending in (False, True):
                values = [value(row) for row in self.rows(sort_by=("-" if descending else "") + name)]
                known = [value for value in values if value is not None]
                equal(known, sorted(known, reverse=descending))
                equal(values[len(known):], [None] * (len(values) - len(known)))

    def check_filters_of_the_typed_model(self):
        """What the client's own classes can say."""
        self.same(lambda row: row.get("model") in ("gpt-4o", "GPT-4o"),
                  filters=Filters(model=FilterValue(operator="in", value=["gpt-4o", "GPT-4o"])))
        self.same(lambda row: row.get("status_code") not in (None, 200),
                  filters=Filters(status_code=FilterValue(operator="not", value=[200])))
        self.same(lambda row: "gpt" in (row.get("model") or "").lower(),
                  filters=Filters(model=FilterValue(operator="icontains", value=["GPT"])))
        self.same(lambda row: "user_1" in (row.get("customer_identifier") or ""),
                  filters=Filters(customer_identifier=FilterValue(operator="contains", value=["user_1"])))

    def check_filters_of_metadata_and_scores(self):
        """Keys with a prefix."""
        self.same(lambda row: (row.get("metadata") or {}).get("plan") == "pro",
                  filters=Filters(**{"metadata__plan": {"operator": "", "value": ["pro"]}}))
        self.same(lambda row: (row.get("metadata") or {}).get("plan") not in (None, "pro"),
                  filters=Filters(**{"metadata__plan": {"operator": "not", "value": ["pro"]}}))
        self.same(lambda row: (row.get("scores") or {}).get(QUALITY, {"score_value": 0})["score_value"] > 4,
                  filters=Filters(**{f"scores__{QUALITY}": {"operator": "gt", "value": [4]}}))

    def check_two_conditions_on_one_field(self):
        """A range, which only a plain dict can say."""
        conditions = [{"operator": "gte", "value": [0.001]}, {"operator": "lt", "value": [0.01]}]
        self.same(lambda row: row.get("cost") is not None and 0.001 <= row["cost"] < 0.01,
                  filters={"cost": conditions})

    def check_window(self):
        """Both bounds are inclusive, to the microsecond."""
        moments = sorted(_moment(row["timestamp"]) for row in self.truth)
        first, last = moments[len(moments) // 3], moments[len(moments) * 2 // 3]
        pager = self.client.spans.list_spans(
            page_size=PAGE, start_time=first, end_time=last, environment="prod", request_options=ONCE)
        equal(_ids(list(pager)), _ids(row for row in self.truth if first <= _moment(row["timestamp"]) <= last))

    def check_named_fields_are_present(self):
        """include_fields."""
        rows = self.rows(include_fields="id,model,cost", log_type="chat")
        assert rows and all({"id", "model", "cost"} <= set(row) for row in rows), "a named field is not there"
        assert not any("input" in row for row in rows), "include_fields makes rows no smaller"

    def check_refusals(self):
        """A wrong key and a field that does not exist."""
        error = raises(ApiError, lambda: self.connect("wrong-token").spans.list_spans(request_options=ONCE))
        equal(error.status_code, 401)
        assert error.body["detail"].startswith("Your API key is invalid or expired"), error.body
        error = raises(BadRequestError, lambda: self.rows(filters={"nonsense": {"operator": "", "value": ["x"]}}))
        assert "nonsense" in error.body["error"], error.body


class _KeywordsAI:
    """The older client: GET, filters in the URL, neither /api nor a slash at the end."""

    def __init__(self, url, key, truth):
        self.url = url
        self.key = key
        self.truth = truth

    def rows(self, base, **filters):
        """All rows of production that the filters select."""
        logs = LogAPI(api_key=self.key, base_url=base)
        rows = []
        while True:
            page = logs.list(page=len(rows) // PAGE + 1, page_size=PAGE, start_time=START.isoformat(),
                             end_time=END.isoformat(), **filters)
            rows += page.results
            if page.next is None:
                return rows

    def same(self, takes, base=None, **filters):
        """The filters select what the test takes; only types that this client knows."""
        expected = [row for row in self.truth if takes(row)]
        assert 0 < len(expected) < len(self.truth), f"{filters} tells nothing apart"
        equal(sorted(row.unique_id for row in self.rows(base or self.url, **filters)), _ids(expected))

    def check_both_base_urls(self):
        """With and without /api."""
        for base in (self.url, f"{self.url}/api", f"{self.url}/api/api"):
            self.same(lambda row: row["log_type"] == "chat", base=base, log_type="chat")

    def check_filters_in_the_url(self):
        """A known field, the bracket form, and metadata without its prefix."""
        self.same(lambda row: row["log_type"] == "chat" and row.get("model") == "gpt-4o", log_type="chat",
                  model="gpt-4o")
        self.same(lambda row: row["log_type"] == "chat" and (row.get("cost") or 0) >= 0.01, log_type="chat",
                  **{"cost[value]": "0.01", "cost[operator]": "gte"})
        self.same(lambda row: row["log_type"] == "chat" and (row.get("metadata") or {}).get("plan") == "pro",
                  log_type="chat", plan="pro")

    def check_wrong_key(self):
        """A wrong key is a 401."""
        logs = LogAPI(api_key="wrong-token", base_url=self.url)
        equal(raises(httpx.HTTPStatusError, lambda: logs.list(page=1)).response.status_code, 401)


def _too_many_calls(client):
    """Calls until the quota is used up."""
    for _ in range(MAX_CALLS):
        try:
            client.spans.list_spans(page_size=1, request_options=ONCE)
        except TooManyRequestsError as error:
            equal(error.body["detail"], "Rate limit exceeded")
            assert 1 <= error.body["retry_after"] <= 60, error.body
            return
    raise AssertionError(f"the upstream took {MAX_CALLS} calls and refused none")


def check(url: str, key: str) -> list[str]:
    """Runs every check; returns their names, fails with the first that does not hold."""
    truth = _truth(url, key)
    assert len(truth) > PAGE, "more than one page of rows is needed"
    respan = _Respan(url, key, truth)
    passed = []
    for label, suite in (("respan-api", respan), ("keywordsai", _KeywordsAI(url, key, truth))):
        for name, run in type(suite).__dict__.items():
            if name.startswith("check_"):
                run(suite)
                passed.append(f"{label}: {name.removeprefix('check_').replace('_', ' ')}")
    _too_many_calls(respan.client)
    passed.append("respan-api: too many calls")
    return passed

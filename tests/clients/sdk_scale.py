"""The vendor's own client, scale-gp-beta, against the Scale GP demo upstream.

The client has no call for the export; it goes through its low-level post with the same answer type as another export.
"""

import datetime
import json

import httpx
import scale_gp_beta
from scale_gp_beta import SGPClient
from scale_gp_beta.types import EvaluationItemExport

ACCOUNT = "demo-account"
# Spans of several traces may share an id, and a page begins after an id: what is no test of paging is read in one page.
ONE_PAGE = 10_000


def check(url: str, key: str) -> list[str]:
    """Runs all checks; returns the names of those that passed, raises AssertionError at the first that did not."""
    client = SGPClient(api_key=key, account_id=ACCOUNT, base_url=url, max_retries=0)
    spans = _told("export", lambda: _export(client))
    assert len(spans) >= 500, f"{len(spans)} spans are too few to tell anything"
    checks = (
        _rows_have_the_types_of_the_client,
        _search_pages_over_everything,
        _search_filters,
        _search_in_a_time_range,
        _search_refuses_a_turned_time_range,
        _export_as_jsonl,
        _export_filters,
        _export_with_assessments,
        _export_by_signed_url,
        _a_wrong_key_is_401,
        _another_account_is_403,
        _wrong_values_are_422,
    )
    for one in checks:
        _told(one.__name__.strip("_"), lambda one=one: one(client, spans))
    return [one.__name__.strip("_") for one in checks]


def _told(name, call):
    """Calls; whatever fails becomes an AssertionError that names the check."""
    try:
        return call()
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error
    except (scale_gp_beta.SGPClientError, httpx.HTTPError, ValueError, LookupError) as error:
        raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error


def _export(client, window=(None, None), **body):
    """Rows of a direct export as JSON."""
    answer = _post(client, window, body)
    assert answer.content is not None and answer.signed_url is None, "a direct export has its content in the answer"
    if body.get("export_format") == "jsonl":
        return [json.loads(line) for line in answer.content.split("\n")]
    return json.loads(answer.content)


def _post(client, window, body):
    names = ("from_ts", "to_ts")
    params = {name: bound.isoformat() for name, bound in zip(names, window) if bound is not None}
    return client.post(
        "/v5/spans/export", cast_to=EvaluationItemExport, body=body, options={"params": params} if params else {})


def _identity(span):
    return (span["trace_id"], span["id"]) if isinstance(span, dict) else (span.trace_id, span.id)


def _same(found, wanted):
    """Compares spans by identity; what is wanted must tell something."""
    found, wanted = sorted(map(_identity, found)), sorted(map(_identity, wanted))
    assert wanted, "nothing is wanted: the check tells nothing"
    assert found == wanted, f"{len(found)} spans instead of {len(wanted)}, or others"


def _moment(text):
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _milliseconds(row):
    end = _moment(row.get("end_timestamp"))
    return None if end is None else (end - _moment(row["start_timestamp"])) / datetime.timedelta(milliseconds=1)


def _middle(spans):
    """A time range amid the data, whose bounds are starts of spans."""
    starts = sorted(_moment(row["start_timestamp"]) for row in spans)
    return starts[len(starts) // 3], starts[len(starts) * 2 // 3]


def _in(row, window):
    return window[0] <= _moment(row["start_timestamp"]) <= window[1]


def _raises(error, call):
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} did not come")


def _rows_have_the_types_of_the_client(client, spans):
    page = client.spans.search(limit=ONE_PAGE)
    rows = {_identity(row): row for row in spans}
    assert len(page.items) == min(ONE_PAGE, len(spans)), f"{len(page.items)} items"
    for span in page.items:
        type(span).model_validate(span.to_dict())
        row = rows[_identity(span)]
        assert span.object == "span" and span.account_id == ACCOUNT, f"object {span.object}, {span.account_id}"
        assert span.start_timestamp == _moment(row["start_timestamp"]), row["start_timestamp"]
        assert span.end_timestamp == _moment(row.get("end_timestamp")), row.get("end_timestamp")
        for name in ("name", "parent_id", "group_id", "status", "type", "input", "output", "expected", "metadata",
                     "input_tokens", "output_tokens", "application_variant_id", "obs_trace_id"):
            assert getattr(span, name) == row.get(name), f"{name} of {span.id}: {getattr(span, name)!r}"


def _search_pages_over_everything(client, spans):
    roots = [row for row in spans if row.get("parent_id") is None]
    for limit in (7, 100):
        for order in ("asc", "desc"):
            found = list(client.spans.search(
                limit=limit, sort_by="start_timestamp", sort_order=order, parents_only=True))
            _same(found, roots)
            starts = [span.start_timestamp for span in found]
            assert starts == sorted(starts, reverse=order == "desc"), f"not {order}ending"


def _search_filters(client, spans):
    def search(**filters):
        return list(client.spans.search(limit=ONE_PAGE, **filters))

    _same(search(statuses=["ERROR"]), [row for row in spans if row.get("status") == "ERROR"])
    _same(search(types=["TRACER", "CUSTOM"]), [row for row in spans if row.get("type") in ("TRACER", "CUSTOM")])
    _same(search(names=["Chat"]), [row for row in spans if row["name"] == "Chat"])
    _same(search(min_duration_ms=3000), [row for row in spans if (_milliseconds(row) or 0) >= 3000])
    wanted = [row for row in spans if (row.get("metadata") or {}).get("version") == "5"]
    _same(search(extra_metadata={"version": "5"}), wanted)
    trace = spans[0]["trace_id"]
    _same(search(trace_ids=[trace]), [row for row in spans if row["trace_id"] == trace])
    _same(search(excluded_trace_ids=[trace], parents_only=True),
          [row for row in spans if row["trace_id"] != trace and row.get("parent_id") is None])


def _search_in_a_time_range(client, spans):
    window = _middle(spans)
    found = list(client.spans.search(from_ts=window[0], to_ts=window[1], limit=ONE_PAGE, sort_by="start_timestamp"))
    _same(found, [row for row in spans if _in(row, window)])


def _search_refuses_a_turned_time_range(client, spans):
    start, end = _middle(spans)
    error = _raises(scale_gp_beta.UnprocessableEntityError, lambda: client.spans.search(from_ts=end, to_ts=start))
    assert error.status_code == 422, error.status_code


def _export_as_jsonl(client, spans):
    lines = _export(client, export_format="jsonl")
    key = json.dumps
    assert sorted(map(key, lines)) == sorted(map(key, spans)), "jsonl has other rows than json"


def _export_filters(client, spans):
    window = _middle(spans)
    found = _export(client, window, export_format="jsonl", statuses=["ERROR", "CANCELED"], max_duration_ms=2000)
    wanted = [row for row in spans if _in(row, window) and row.get("status") in ("ERROR", "CANCELED")
              and _milliseconds(row) is not None and _milliseconds(row) <= 2000]
    _same(found, wanted)
    traces = {row["trace_id"] for row in wanted}
    found = _export(client, window, statuses=["ERROR", "CANCELED"], max_duration_ms=2000, with_children=True)
    _same(found, [row for row in spans if row["trace_id"] in traces])


def _export_with_assessments(client, spans):
    rows = _export(client, include_assessments=True)
    assert len(rows) == len(spans), f"{len(rows)} rows"
    said = [assessment for row in rows for assessment in row["assessments"]]
    kinds = {assessment["assessment_type"] for assessment in said}
    assert kinds == {"comment", "rating", "approval", "rubric", "metadata", "overwrite"}, kinds
    for assessment in said:
        scale_gp_beta.types.SpanAssessment.model_validate(assessment)
    traces = {assessment["trace_id"] for assessment in said if assessment["assessment_type"] == "rating"}
    _same(_export(client, assessment_types=["rating"]), [row for row in spans if row["trace_id"] in traces])


def _export_by_signed_url(client, spans):
    answer = _post(client, (None, None), {"export_method": "signed_url", "export_format": "jsonl"})
    assert answer.content is None and answer.signed_url, "a signed URL stands instead of the content"
    assert answer.filename.endswith(".jsonl"), answer.filename
    refused = httpx.get(answer.signed_url, headers={"x-api-key": client.api_key})
    assert refused.status_code == 400, f"the storage took a request with a key: {refused.status_code}"
    file = httpx.get(answer.signed_url)
    assert file.status_code == 200, f"{file.status_code} {file.text}"
    _same([json.loads(line) for line in file.content.decode().split("\n")], spans)


def _a_wrong_key_is_401(client, _):
    other = client.with_options(api_key="other")
    for call in (lambda: other.spans.search(), lambda: _export(other)):
        error = _raises(scale_gp_beta.AuthenticationError, call)
        assert isinstance(error.body["detail"], str), error.body


def _another_account_is_403(client, _):
    other = client.with_options(account_id="other")
    _raises(scale_gp_beta.PermissionDeniedError, lambda: _export(other))


def _wrong_values_are_422(client, _):
    cases = (
        ({"statuses": ["BAD"]}, ["body", "statuses", 0]),
        ({"export_format": "x"}, ["body", "export_format"]),
        ({"search_texts": ["a"]}, ["body", "search_texts", 0]),
    )
    for body, place in cases:
        error = _raises(scale_gp_beta.UnprocessableEntityError, lambda: _post(client, (None, None), body))
        assert error.body["detail"][0]["loc"] == place, error.body
    _raises(scale_gp_beta.UnprocessableEntityError, lambda: client.spans.search(limit=10_001))

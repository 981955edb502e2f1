"""The Adaline upstream, read with the vendor's own client: adaline-client over adaline-api.

The models of that client check types strictly: a row that it takes has the documented shape.
"""

import asyncio
import json
import logging

from adaline.main import Adaline
from adaline_api.models.log_filter_object import LogFilterObject
from adaline_api.models.search_log_spans_request import SearchLogSpansRequest
from adaline_api.models.search_log_traces_request import SearchLogTracesRequest
from adaline_api.rest import ApiException
from pydantic import ValidationError

from checks import equal

PAGE = 200


def check(url, key, project):
    """Reads the spans of a project in all documented ways; returns the names of what was checked.

    The project needs more than 200 spans. The upstream must let in some 150 calls a minute.
    """
    return _run(_check(url, key, project))


def check_limit(url, key, project, calls_per_minute):
    """The same for an upstream that lets in so many calls a minute and has not been called yet."""
    return _run(_check_limit(url, key, project, calls_per_minute))


def _run(checks):
    """What the client raises where rows are expected is a failure like any other."""
    try:
        return asyncio.run(checks)
    except ApiException as error:
        raise AssertionError(f"expected rows, got status {error.status}: {error.body}") from error
    except ValidationError as error:
        raise AssertionError(f"the client does not take an answer: {error}") from error


async def _check(url, key, project):
    client = _client(url, key)
    passed = []
    try:
        spans = await _all(client, project, limit=PAGE)
        for part in (_paging, _order, _window, _fields, _filters, _rows, _traces, _refusals):
            await part(client, project, spans)
            passed.append(part.__name__.removeprefix("_"))
    finally:
        await client.close()
    await _unauthorized(url, key, project)
    return passed + ["unauthorized"]


async def _check_limit(url, key, project, calls_per_minute):
    client = _client(url, key)
    try:
        for _ in range(calls_per_minute):
            await _page(client, project, limit=1)
        error = await _refusal(_page(client, project, limit=1), 429)
        equal(error["code"], "RATE_LIMIT_EXCEEDED", "code of a 429")
    finally:
        await client.close()
    return ["rate limit"]


async def _paging(client, project, spans):
    """Every span once, whatever the page size; the last page has no cursor."""
    _true(len(spans) > PAGE, f"the project has {len(spans)} spans, too few for two pages")
    ids = [span.id for span in spans]
    equal(len(set(ids)), len(ids), "distinct ids")
    first = await _page(client, project)
    equal((first.pagination.limit, first.pagination.returned), (50, 50), "default page")
    equal([span.id for span in first.spans], ids[:50], "default page")
    since = spans[150].started_at
    small = await _all(client, project, limit=37, started_after=since)
    equal([span.id for span in small], [span.id for span in spans if span.started_at >= since], "pages of 37")


async def _order(client, project, spans):
    """Newest first unless told; ascending is the reverse."""
    starts = [span.started_at for span in spans]
    equal(starts, sorted(starts, reverse=True), "default order")
    ascending = await _all(client, project, limit=PAGE, sort="startedAt:asc")
    equal([span.started_at for span in ascending], sorted(starts), "ascending order")
    equal({span.id for span in ascending}, {span.id for span in spans}, "rows in ascending order")


async def _window(client, project, spans):
    """Both bounds belong to the window."""
    newer, older = spans[20].started_at, spans[120].started_at
    await _same(client, project, spans, lambda span: older <= span.started_at <= newer,
                started_after=older, started_before=newer)
    instant = [span for span in spans if span.started_at == older]
    await _same(client, project, spans, lambda span: span in instant, started_after=older, started_before=older)


async def _fields(client, project, spans):
    """The flat fields: exact ones, and substrings in any case."""
    for status in ("success", "failure", "aborted", "cancelled", "unknown"):
        await _same(client, project, spans, lambda span, status=status: span.status == status, status=status)
    equal(await _all(client, project, status="pending"), [], "pending spans")
    reference = next(span.reference_id for span in spans if span.reference_id)
    await _same(client, project, spans, lambda span: span.reference_id == reference, reference_id=reference)
    session = next(span.session_id for span in spans if span.session_id)
    await _same(client, project, spans, lambda span: span.session_id == session, session_id=session)
    prompt = next(span.prompt_id for span in spans if span.prompt_id)
    await _same(client, project, spans, lambda span: span.prompt_id == prompt, prompt_id=prompt)
    await _same(client, project, spans, lambda span: "gpt-4O".lower() in _content(span, "model"), model="gpt-4O")
    await _same(client, project, spans, lambda span: "anthropic" in _content(span, "provider"), provider="Anthropic")
    names = {trace.id: trace.name for trace in await _all_traces(client, project)}
    await _same(client, project, spans, name="CHE",
                takes=lambda span: "che" in span.name.lower() or "che" in names[span.log_trace_id].lower())


async def _filters(client, project, spans):
    """Typed filters, alone, together and with flat fields; unknown columns are ignored."""
    cost = sorted(span.cost for span in spans if span.cost)[0]
    for operator, holds in (("eq", lambda value: value == cost), ("gt", lambda value: value > cost),
                            ("gte", lambda value: value >= cost), ("lt", lambda value: value < cost),
                            ("lte", lambda value: value <= cost)):
        await _same(client, project, spans, filters=[_filter("number", "cost", operator, cost)],
                    takes=lambda span, holds=holds: span.cost is not None and holds(span.cost))
    kind = _filter("string", "contentType", "eq", "Tool")
    await _same(client, project, spans, lambda span: span.content_type == "Tool", filters=[kind])
    part = _filter("string", "name", "contains", "Chat")
    await _same(client, project, spans, lambda span: "Chat" in span.name, filters=[part])
    tag = _filter("arrayContains", "tags", "contains", "prod")
    await _same(client, project, spans, lambda span: "prod" in json.loads(span.tags), filters=[tag])
    middle = spans[100].started_at
    since = _filter("datetime", "startedAt", "gte", middle)
    await _same(client, project, spans, filters=[since, kind], status="success", takes=lambda span: (
        span.started_at >= middle and span.content_type == "Tool" and span.status == "success"))
    unknown = _filter("string", "no_such_column", "eq", "x")
    await _same(client, project, spans, lambda span: True, some=False, filters=[unknown])


async def _rows(_client, _project, spans):
    """What may be null is null somewhere, and documents are JSON in strings."""
    for name in ("prompt_id", "reference_id", "parent_reference_id", "session_id", "cost", "prompt_tokens",
                 "completion_tokens", "total_tokens"):
        nulls = sum(getattr(span, name) is None for span in spans)
        _true(0 < nulls < len(spans), f"{name} is null in {nulls} of {len(spans)} rows")
    for span in spans:
        for text in (span.content, span.parsed_content, span.attributes, span.tags, span.events):
            if text:
                json.loads(text)
        _true(span.started_at <= span.ended_at, f"{span.id} ends before it starts")


async def _traces(client, project, spans):
    """The traces of the spans, each with the ids of its spans."""
    traces = await _all_traces(client, project)
    equal({one for trace in traces for one in trace.span_ids}, {span.id for span in spans}, "spans of all traces")


async def _refusals(client, project, _spans):
    """What the server refuses and the client does not check."""
    error = await _refusal(_page(client, project, cursor="nonsense"), 400)
    equal(error["code"], "INVALID_CURSOR", "code of a bad cursor")
    error = await _refusal(_page(client, "project_of_nobody_at_all"), 404)
    equal(error["code"], "RESOURCE_NOT_FOUND", "code of an unknown project")
    wrong = _filter("number", "cost", "contains", 1)
    error = await _refusal(_page(client, project, filters=[wrong]), 400)
    equal((error["code"], error["details"][0]["field"]), ("VALIDATION_ERROR", "filters.0.operator"), "bad operator")


async def _unauthorized(url, key, project):
    client = _client(url, key + "-wrong")
    try:
        error = await _refusal(_page(client, project), 401)
        equal(error["code"], "AUTHENTICATION_REQUIRED", "code of a 401")
    finally:
        await client.close()


def _client(url, key):
    # The client logs every refusal, also those that are expected here.
    logging.getLogger("adaline").setLevel(logging.CRITICAL)
    adaline = Adaline(api_key=key, host=url)
    adaline.close = adaline.client.close
    return adaline


async def _page(client, project, **fields):
    return await client.logs.spans.search(query=SearchLogSpansRequest(project_id=project, **fields))


async def _all(client, project, **fields):
    spans, cursor = [], None
    while True:
        page = await _page(client, project, cursor=cursor, **fields)
        equal(page.pagination.returned, len(page.spans), "returned")
        equal(page.pagination.has_more, page.pagination.next_cursor is not None, "hasMore")
        spans += page.spans
        cursor = page.pagination.next_cursor
        if cursor is None:
            return spans


async def _all_traces(client, project):
    traces, cursor = [], None
    while True:
        query = SearchLogTracesRequest(project_id=project, limit=PAGE, cursor=cursor)
        page = await client.logs.traces.search(query=query)
        traces += page.traces
        cursor = page.pagination.next_cursor
        if cursor is None:
            return traces


async def _same(client, project, spans, takes, some=True, **fields):
    """A search has exactly the spans that the condition takes."""
    found = [span.id for span in await _all(client, project, limit=PAGE, **fields)]
    expected = [span.id for span in spans if takes(span)]
    equal(found, expected, f"spans with {fields}")
    # A filter that takes all rows or none would prove nothing.
    if some:
        _true(0 < len(expected) < len(spans), f"{len(expected)} of {len(spans)} spans with {fields}")


async def _refusal(call, status):
    """The error object of a call that is answered with this status."""
    try:
        await call
    except ApiException as error:
        equal(error.status, status, "status")
        return json.loads(error.body)["error"]
    raise AssertionError(f"expected status {status}, got rows")


def _filter(kind, column, operator, value):
    return LogFilterObject(type=kind, column=column, operator=operator, value=value)


def _content(span, member):
    """A member of the content, in lower case; empty if it has none."""
    content = json.loads(span.content) if span.content else None
    return (content.get(member) or "").lower() if isinstance(content, dict) else ""


def _true(condition, message):
    if not condition:
        raise AssertionError(message)

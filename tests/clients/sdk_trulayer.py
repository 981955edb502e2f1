"""The TruLayer upstream, read with plain HTTP: no client of the vendor lists or exports traces."""

import csv
import datetime
import io
import json
import re

import httpx

from checks import equal

COLUMNS = ["trace_id", "span_id", "name", "type", "model", "created_at", "duration_ms", "prompt_tokens",
           "completion_tokens", "cost_usd", "trace_input", "trace_output", "span_input", "span_output", "error"]
NUMBERS = ("duration_ms", "prompt_tokens", "completion_tokens", "cost_usd")
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# Of the traces, as every one costs calls. The longest is exported too.
EXPORTED = 40


def check(url, key):
    """Lists all traces and exports some; returns the names of what was checked.

    The upstream lists newest first, has more than 60 traces, no cap, and lets in some 150 calls a minute.
    """
    passed = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        traces = _all(client, limit=200)
        for part in (_paging, _filters, _exports, _single, _refusals):
            part(client, traces)
            passed.append(part.__name__.removeprefix("_"))
    equal(httpx.get(f"{url}/v1/traces", headers={"Authorization": f"Bearer {key}-wrong"}).status_code, 401, "status")
    equal(httpx.get(f"{url}/v1/traces").status_code, 401, "status without a key")
    return passed + ["unauthorized"]


def check_cap(url, key, cap):
    """For an upstream whose plan exports so many spans a trace: longer ones are cut and say so."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        counts = {trace["id"]: trace["span_count"] for trace in _all(client, limit=200)}
        longest = max(counts, key=counts.get)
        if counts[longest] <= cap:
            raise AssertionError(f"no trace has more than {cap} spans")
        rows, headers = _export(client, longest, "jsonl")
        equal((len(rows), headers.get("X-TruLayer-Truncated")), (cap, "true"), "a trace that is cut")
        short = next(trace for trace, count in counts.items() if 0 < count <= cap)
        rows, headers = _export(client, short, "csv")
        equal((len(rows), headers.get("X-TruLayer-Truncated")), (counts[short], None), "a trace that is whole")
    return ["cap"]


def check_limit(url, key, calls_per_minute):
    """For an upstream that lets in so many calls a minute and has not been called yet."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        for left in reversed(range(calls_per_minute)):
            answer = client.get("/v1/traces", params={"limit": 1})
            equal((answer.status_code, answer.headers["X-RateLimit-Remaining"]), (200, str(left)), "calls left")
        answer = client.get("/v1/traces", params={"limit": 1})
        equal((answer.status_code, list(answer.json())), (429, ["error"]), "one call too many")
    return ["rate limit"]


def _paging(client, traces):
    """Every trace once, newest first, whatever the page size."""
    if len(traces) <= 60:
        raise AssertionError(f"{len(traces)} traces are too few for two pages")
    ids = [trace["id"] for trace in traces]
    equal(len(set(ids)), len(ids), "distinct ids")
    starts = [_instant(trace["started_at"]) for trace in traces]
    equal(starts, sorted(starts, reverse=True), "order")
    equal([trace["id"] for trace in _get(client, "/v1/traces")["traces"]], ids[:50], "default page")
    equal([trace["id"] for trace in _all(client, limit=29)], ids, "pages of 29")


def _filters(client, traces):
    """Every parameter, against the whole list."""
    start = traces[30]["started_at"]
    at = _instant(start)
    latency = next(trace["latency_ms"] for trace in traces if trace.get("latency_ms"))
    project, model = traces[0]["project_id"], next(trace["model"] for trace in traces if trace.get("model"))
    key, value = next(pair for trace in traces for pair in (trace.get("tag_map") or {}).items() if pair[1])
    for params, takes in (
        ({"from": start}, lambda trace: _instant(trace["started_at"]) >= at),
        ({"to": start}, lambda trace: _instant(trace["started_at"]) <= at),
        ({"project_id": project}, lambda trace: trace["project_id"] == project),
        ({"model": model}, lambda trace: trace.get("model") == model),
        ({"error": "true"}, lambda trace: trace.get("error") is not None),
        ({"error": "false"}, lambda trace: trace.get("error") is None),
        ({"latency_min": latency}, lambda trace: (trace.get("latency_ms") or -1) >= latency),
        ({"latency_max": latency}, lambda trace: (trace.get("latency_ms") or latency + 1) <= latency),
        ({"token_count_min": 1, "token_count_max": 20000},
         lambda trace: 1 <= (trace.get("total_token_count") or 0) <= 20000),
        ({"tag_key": key, "tag_value": value}, lambda trace: (trace.get("tag_map") or {}).get(key) == value),
    ):
        expected = [trace["id"] for trace in traces if takes(trace)]
        equal([trace["id"] for trace in _all(client, limit=200, **params)], expected, f"traces with {params}")
        if not 0 < len(expected) < len(traces):
            raise AssertionError(f"{len(expected)} of {len(traces)} traces with {params}")


def _exports(client, traces):
    """CSV and JSON lines hold the same spans, as many as the list says, within their trace."""
    longest = max(traces, key=lambda trace: trace["span_count"])
    for trace in [longest] + traces[:EXPORTED]:
        rows, headers = _export(client, trace["id"], "jsonl")
        cells, _ = _export(client, trace["id"], None)
        equal([_row(row) for row in cells], [{**row, **_blank(row)} for row in rows], "CSV and JSON lines")
        equal((len(rows), headers.get("X-TruLayer-Truncated")), (trace["span_count"], None), "spans of a trace")
        name = re.fullmatch(r'attachment; filename="spans-(.+)-\d{4}-\d\d-\d\d\.jsonl"', headers["Content-Disposition"])
        if not name or not trace["id"].startswith(name[1]):
            raise AssertionError(f"file of {trace['id']}: {headers['Content-Disposition']}")
        for row in rows:
            equal(list(row), COLUMNS, "keys")
            equal((row["trace_id"], row["trace_input"]), (trace["id"], trace.get("input")), "columns of the trace")
            if _instant(row["created_at"]) < _instant(trace["started_at"]):
                raise AssertionError(f"{row['span_id']} is older than its trace")


def _single(client, traces):
    """A single trace is that of the list, with spans that have parents."""
    trace = max(traces, key=lambda trace: trace["span_count"])
    single = _get(client, f"/v1/traces/{trace['id']}")
    spans = single.pop("spans")
    equal(single, trace, "single trace")
    ids = {span["id"] for span in spans}
    equal(len(ids), trace["span_count"], "spans of the single trace")
    equal([span["parent_span_id"] for span in spans if span["parent_span_id"] not in ids], [None], "roots")


def _refusals(client, traces):
    """What is refused, and that it is an object with an error."""
    trace = traces[0]["id"]
    for path, params, status in (
        ("/v1/traces/export", {}, 400),
        ("/v1/traces/export", {"trace_id": "nonsense"}, 400),
        ("/v1/traces/export", {"trace_id": trace, "format": "xml"}, 400),
        ("/v1/traces/export", {"trace_id": UNKNOWN}, 404),
        (f"/v1/traces/{UNKNOWN}", {}, 404),
        ("/v1/traces", {"tag_key": "env"}, 400),
        ("/v1/traces", {"limit": 201}, 400),
        ("/v1/traces", {"cursor": "nonsense"}, 400),
    ):
        answer = client.get(path, params=params)
        equal(answer.status_code, status, f"status of {path} {params}")
        equal(type(answer.json()["error"]), str, f"error of {path} {params}")


def _get(client, path, **params):
    answer = client.get(path, params=params)
    equal(answer.status_code, 200, f"status of {path} {params}: {answer.text}")
    for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        int(answer.headers[name])
    return answer.json()


def _all(client, **params):
    traces, cursor = [], {}
    while True:
        page = _get(client, "/v1/traces", **params, **cursor)
        equal(page["has_more"], page["next_cursor"] is not None, "has_more")
        traces += page["traces"]
        if not page["has_more"]:
            return traces
        cursor = {"cursor": page["next_cursor"]}


def _export(client, trace, kind):
    """The rows of an export and its headers; without a format it is CSV."""
    params = {"trace_id": trace} | ({"format": kind} if kind else {})
    with client.stream("GET", "/v1/traces/export", params=params) as answer:
        text = answer.read().decode()
        equal(answer.status_code, 200, f"status of the export of {trace}: {text}")
    media = "application/x-ndjson" if kind == "jsonl" else "text/csv"
    equal(answer.headers["Content-Type"], media, "type")
    if kind == "jsonl":
        return [json.loads(line) for line in text.split("\n") if line], answer.headers
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = list(reader)
    equal(reader.fieldnames, COLUMNS, "columns")
    return rows, answer.headers


def _row(cells):
    """A CSV row with numbers as numbers; an empty cell is a null or an empty text."""
    return {name: _number(cell) if name in NUMBERS else cell for name, cell in cells.items()}


def _number(cell):
    return json.loads(cell) if cell else ""


def _blank(row):
    return {name: "" for name, value in row.items() if value is None}


def _instant(text):
    return datetime.datetime.fromisoformat(text)

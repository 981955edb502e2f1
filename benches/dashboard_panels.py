"""The twelve panels of the dashboard, in Grafana's words: its macros become literal times before a statement is sent."""

import datetime
from typing import NamedTuple

from dashboards_macros import Window, expand

LENGTH = datetime.timedelta(days=7)
# What Grafana makes of seven days and a panel's width.
INTERVAL = "1h"
TABLES = ("requests", "traces", "security")


class Panel(NamedTuple):
    """A title, a statement, and whether that says which row is where."""

    title: str
    sql: str
    ordered: bool = False


PANELS = (
    Panel("totals", """
SELECT count(*) AS requests, sum(cost_usd) AS cost, sum(total_tokens) AS tokens, avg(latency_ms) AS latency
FROM spanlens.requests WHERE $__timeFilter(created_at)"""),
    Panel("requests over time", """
SELECT $__timeGroupAlias(created_at, $__interval), count(*) AS requests
FROM spanlens.requests WHERE $__timeFilter(created_at) GROUP BY 1 ORDER BY 1""", True),
    Panel("cost by day and provider", """
SELECT date_trunc('day', created_at) AS time, provider AS metric, sum(cost_usd) AS cost
FROM spanlens.requests WHERE $__timeFilter(created_at) GROUP BY 1, 2 ORDER BY 1, 2""", True),
    Panel("latency over time", """
SELECT date_trunc('hour', created_at) AS time,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95
FROM spanlens.requests WHERE $__timeFilter(created_at) GROUP BY 1 ORDER BY 1""", True),
    Panel("models", """
SELECT provider, model, count(*) AS requests, avg(latency_ms) AS latency, sum(total_tokens) AS tokens,
  sum(cost_usd) AS cost
FROM spanlens.requests WHERE $__timeFilter(created_at) GROUP BY provider, model"""),
    Panel("five dearest models", """
SELECT model, sum(cost_usd) AS cost FROM spanlens.requests WHERE $__timeFilter(created_at)
GROUP BY model ORDER BY 2 DESC NULLS LAST, 1 LIMIT 5""", True),
    Panel("OpenAI by day", """
SELECT date_trunc('day', created_at) AS time, count(*) AS requests, sum(completion_tokens) AS tokens
FROM spanlens.requests WHERE $__timeFilter(created_at) AND provider = 'openai' GROUP BY 1 ORDER BY 1""", True),
    Panel("errors", """
SELECT $__timeGroupAlias(created_at, 6h), status_code::text AS metric, count(*) AS errors
FROM spanlens.requests WHERE $__timeFilter(created_at) AND status_code >= 400 GROUP BY 1, 2 ORDER BY 1, 2""", True),
    Panel("latest requests", """
SELECT created_at AS time, id, provider, model, latency_ms, status_code, cost_usd, error_message
FROM spanlens.requests WHERE $__timeFilter(created_at) ORDER BY created_at DESC, id LIMIT 50""", True),
    Panel("traces by day", """
SELECT date_trunc('day', created_at) AS time, status AS metric, count(*) AS traces, avg(duration_ms) AS duration,
  percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95
FROM spanlens.traces WHERE $__timeFilter(created_at) GROUP BY 1, 2 ORDER BY 1, 2""", True),
    Panel("slowest traces", """
SELECT name, id, duration_ms, span_count, total_cost_usd, started_at FROM spanlens.traces
WHERE $__timeFilter(created_at) AND duration_ms IS NOT NULL ORDER BY duration_ms DESC, id LIMIT 10""", True),
    Panel("security", """
SELECT created_at AS time, id, provider, model, status_code, flags
FROM spanlens.security WHERE $__timeFilter(created_at) ORDER BY created_at DESC, id LIMIT 50""", True),
)


def statement(panel, end):
    """What Grafana sends for a panel that is refreshed at a time."""
    return expand(panel.sql.strip(), Window(end, LENGTH, INTERVAL), {})

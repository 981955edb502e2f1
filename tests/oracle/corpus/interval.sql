-- Intervals: input, output in all styles, arithmetic, comparison.
-- order
SELECT interval '1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds' AS a, interval '1-2' AS b, interval '3 4:05:06' AS c, interval 'P1Y2M3DT4H5M6S' AS d, interval 'P0001-02-03T04:05:06' AS e, interval '1 day ago' AS f, interval '-1 day +2 hours' AS g;
SELECT interval '1.5 days' AS a, interval '1.5 months' AS b, interval '0.1 year' AS c, interval '1.5 weeks' AS d, interval '0.5 hour' AS e, interval '1.123456789 s' AS f, interval '1 century' AS g, interval '2 decades' AS h, interval '1 mil' AS i;
SELECT interval '5' AS a, interval '5' day AS b, interval '5' hour AS c, interval '1-2' year to month AS d, interval '1 2' day to hour AS e, interval '1:02' hour to minute AS f, interval '1:02:03' minute to second AS g, interval '1.6' second(0) AS h, interval '3 days 04:05:06' day AS i;
SELECT interval '90 minutes' AS a, interval '25 hours' AS b, interval '-25 hours' AS c, interval '60 days' AS d, interval '13 months' AS e, interval '-13 months' AS f, interval '0' AS g, interval '1 us' AS h, interval '-0.5 s' AS i, interval '1 mon -1 day' AS j;
SELECT interval '1 month' = interval '30 days' AS a, interval '24 hours' = interval '1 day' AS b, interval '1 year' > interval '360 days' AS c, interval '1 month' < interval '31 days' AS d, interval '1 day' <> interval '23:59:59.999999' AS e;
SELECT interval '1 day' * 2 AS a, interval '1 day' * 1.5 AS b, 2.5 * interval '1 hour' AS c, interval '1 month' / 2 AS d, interval '1 day' / 7 AS e, interval '1 year' * 0.1 AS f, -interval '1 day' AS g, interval '1 month' * 1.5 AS h, interval '10 days' / 1.5 AS i;
SELECT interval '1 day' + interval '2 hours' AS a, interval '1 day' - interval '25 hours' AS b, interval '1 month' + interval '1 day' AS c, interval '1 day' + time '10:00' AS d, interval '1 day' + date '2026-01-01' AS e, interval '1 day' + timestamp '2026-01-01' AS f;
SELECT extract(epoch FROM interval '1 year 2 mons 3 days 04:05:06.789') AS a, extract(epoch FROM interval '1.5 s') AS b, extract(year FROM interval '25 months') AS c, extract(month FROM interval '25 months') AS d, extract(day FROM interval '100 hours') AS e, extract(hour FROM interval '100 hours') AS f, extract(second FROM interval '61.5 s') AS g, extract(quarter FROM interval '8 months') AS h, extract(minute FROM interval '-90 min') AS i;
SELECT date_part('epoch', interval '1 day 1.25 s') AS a, date_trunc('hour', interval '1 day 02:03:04') AS b, date_trunc('month', interval '1 year 2 mons 3 days') AS c, date_trunc('year', interval '25 months') AS d;
SELECT make_interval() AS a, make_interval(1) AS b, make_interval(1, 2, 3, 4, 5, 6, 7.5) AS c, make_interval(days => 10) AS d, make_interval(hours => 5, secs => 1.5) AS e, make_interval(weeks => 2) AS f;
SELECT justify_days(interval '65 days 30 hours') AS a, justify_hours(interval '1 day 50 hours') AS b, justify_interval(interval '1 mon -1 hour') AS c, justify_interval(interval '40 days 30 hours') AS d, justify_days(interval '-35 days') AS e;
SELECT (5 || ' days')::interval AS a, ('1' || ' hour')::interval AS b, '5 min'::interval::text AS c, cast('2 days' AS interval) AS d, interval '1 day'::text AS e, '1 day'::interval(3) AS f;
SELECT x, x::text AS t FROM (VALUES (interval '1 mon'), ('30 days'), ('29 days'), ('720:00:01'), ('-1 day'), (NULL)) AS v(x) ORDER BY x, t;
SELECT min(x) AS a, max(x) AS b, sum(x) AS c, avg(x) AS d, count(DISTINCT x) AS e FROM (VALUES (interval '1 day'), ('26 hours'), ('3 days 01:00'), (NULL)) AS v(x);
SELECT sum(ended_at - started_at) AS s, avg(ended_at - started_at) AS a, min(ended_at - started_at) AS mi, max(ended_at - started_at) AS ma FROM traces;
SELECT id, ended_at - started_at AS d, (ended_at - started_at) * 2 AS dd, (ended_at - started_at) / 3 AS t, duration_ms * interval '1 millisecond' AS m FROM traces ORDER BY id;
SELECT latency_ms * interval '1 ms' AS i, (latency_ms || ' milliseconds')::interval AS j, make_interval(secs => latency_ms / 1000.0) AS k FROM requests ORDER BY id LIMIT 40;
SELECT interval '1 day' IN (interval '24 hours', interval '2 days') AS a, interval '1 day' BETWEEN interval '23 hours' AND interval '25 hours' AS b, interval '1 day' > '5 hours' AS c;
-- session: SET IntervalStyle = 'iso_8601'
SHOW IntervalStyle;
SELECT interval '1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds' AS a, interval '0' AS b, interval '-1 day +2 hours' AS c, interval '-25:00:00.5' AS d, interval '3 mons' AS e, interval '1 day' AS f;
SELECT max(created_at) - min(created_at) AS a, (interval '1 day 02:00')::text AS b, 'x' || interval '90 min' AS c FROM security;
-- session: SET extra_float_digits = 0
SELECT 0.1::float8 + 0.2::float8 AS a, 1.0::float8 / 3 AS b, 1e21::float8 AS c, 123456789.123456789::float8 AS d, 0.1::float4 AS e, (1::float4 / 3) AS f, 1e-5::float8 AS g, (1::float8 / 3)::text AS h, 1e15::float8 AS i, 100000::float8 AS j;
SELECT cost_usd, cost_usd / 3 AS third, cost_usd::text AS t FROM requests ORDER BY id LIMIT 30;
-- session:
-- session: SET IntervalStyle = 'sql_standard'
SELECT interval '1 year 2 months' AS a, interval '3 days 4 hours 5 minutes 6.789 seconds' AS b, interval '1 year 3 days 4 hours' AS c, interval '0' AS d, interval '-1 day -2 hours' AS e, interval '-1 day +2 hours' AS f, interval '90 minutes' AS g;
-- session:
-- session: SET IntervalStyle = 'postgres_verbose'
SELECT interval '1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds' AS a, interval '0' AS b, interval '-1 day +2 hours' AS c, interval '-25:00:00.5' AS d, interval '1 day' AS e;
-- session:
-- session: SET extra_float_digits = -5
SELECT 0.1::float8 + 0.2::float8 AS a, 1.0::float8 / 3 AS b, (1::float4 / 3) AS c, 123456789.123456789::float8 AS d;
-- session:
-- session: SET DateStyle = 'ISO, DMY'
SELECT date '2026-05-06' AS a, date '05/06/2026' AS b, timestamp '05/06/2026 10:11:12' AS c, timestamptz '2026-05-06 10:11:12Z' AS d, date '25.12.2026' AS e;
-- session:
-- session: SET DateStyle = 'ISO, YMD'
SELECT date '2026-05-06' AS a, date '26/05/06' AS b, timestamp '26-05-06 10:11:12' AS c;
-- session:
-- error
SELECT interval '1 foo';
SELECT interval 'abc';
SELECT interval '1 day' * interval '1 day';
SELECT interval '99999999999999 years';
SELECT '1 day'::interval + 1;

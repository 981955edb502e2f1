-- Session time zones.
-- session: SET TimeZone = 'Europe/Berlin'
-- order
SHOW TimeZone;
SELECT current_setting('TimeZone') AS a, current_setting('timezone') AS b;
SELECT timestamptz '2026-03-29 00:59:59Z' AS a, timestamptz '2026-03-29 01:00:00Z' AS b, timestamptz '2026-10-25 00:59:59Z' AS c, timestamptz '2026-10-25 01:00:00Z' AS d;
SELECT timestamptz '2026-03-29 02:30' AS a, timestamptz '2026-10-25 02:30' AS b, timestamptz '2026-07-01' AS c, timestamptz '2026-01-01 12:00' AS d, '2026-07-01'::timestamptz AS e;
SELECT timestamptz '2026-07-01 22:30Z'::date AS a, timestamptz '2026-07-01 22:30Z'::time AS b, timestamptz '2026-07-01 22:30Z'::timestamp AS c, timestamptz '2026-07-01 22:30Z'::text AS d;
SELECT date '2026-07-01'::timestamptz AS a, timestamp '2026-07-01 10:00'::timestamptz AS b, date '2026-07-01' = timestamptz '2026-06-30 22:00Z' AS c, timestamp '2026-07-01 00:00' = timestamptz '2026-06-30 22:00Z' AS d;
SELECT timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'America/New_York' AS a, timestamp '2026-07-01 12:00' AT TIME ZONE 'America/New_York' AS b, timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo' AS c, timestamptz '2026-07-01 12:00Z' AT TIME ZONE '+03' AS d, timestamptz '2026-07-01 12:00Z' AT TIME ZONE interval '5:30' AS e;
SELECT timezone('UTC', timestamptz '2026-07-01 12:00Z') AS a, timezone('Asia/Kolkata', timestamp '2026-07-01 12:00') AS b, timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'EST' AS c, timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'CEST' AS d, timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'EST5EDT' AS e;
SELECT date_trunc('day', timestamptz '2026-07-01 22:30Z') AS a, date_trunc('hour', timestamptz '2026-10-25 01:30Z') AS b, date_trunc('month', timestamptz '2026-03-31 22:30Z') AS c, date_trunc('week', timestamptz '2026-03-29 10:00Z') AS d, date_trunc('day', timestamptz '2026-07-01 22:30Z', 'America/New_York') AS e, date_trunc('day', timestamptz '2026-07-01 22:30Z', 'UTC') AS f;
SELECT extract(hour FROM timestamptz '2026-07-01 22:30Z') AS a, extract(day FROM timestamptz '2026-07-01 22:30Z') AS b, extract(timezone FROM timestamptz '2026-07-01 22:30Z') AS c, extract(timezone_hour FROM timestamptz '2026-01-01') AS d, extract(epoch FROM timestamptz '2026-07-01 00:00') AS e, extract(epoch FROM timestamp '2026-07-01 00:00') AS f, extract(epoch FROM date '2026-07-01') AS g;
SELECT timestamptz '2026-03-28 12:00' + interval '1 day' AS a, timestamptz '2026-03-28 12:00' + interval '24 hours' AS b, timestamptz '2026-10-24 12:00' + interval '1 day' AS c, timestamptz '2026-10-25 02:30+02' + interval '1 hour' AS d, timestamptz '2026-03-29 12:00' - interval '1 day' AS e, timestamptz '2026-02-28 02:30' + interval '1 month 1 day' AS f;
SELECT timestamptz '2026-03-30 00:00' - timestamptz '2026-03-29 00:00' AS a, age(timestamptz '2026-03-30 00:00', timestamptz '2026-03-29 00:00') AS b, timestamptz '2026-10-26' - timestamptz '2026-10-25' AS c;
SELECT to_char(timestamptz '2026-07-01 22:30Z', 'YYYY-MM-DD HH24:MI TZ') AS a, to_char(timestamptz '2026-01-01 22:30Z', 'YYYY-MM-DD HH24:MI OF') AS b, to_timestamp('2026-07-01 10:00', 'YYYY-MM-DD HH24:MI') AS c, to_timestamp(0) AS d, make_timestamptz(2026, 7, 1, 10, 0, 0) AS e;
SELECT to_jsonb(timestamptz '2026-07-01 22:30Z') AS a, jsonb_build_object('t', timestamptz '2026-01-01 00:00Z') AS b, array_to_string(ARRAY[timestamptz '2026-01-01 00:00Z'], ',') AS c, format('%s', timestamptz '2026-01-01 00:00Z') AS d, 'x' || timestamptz '2026-01-01 00:00Z' AS e, concat(timestamptz '2026-01-01 00:00Z') AS f;
SELECT g AS d FROM generate_series(timestamptz '2026-03-28', timestamptz '2026-03-31', interval '1 day') AS g ORDER BY 1;
SELECT g AS d FROM generate_series(timestamptz '2026-10-25 00:00', timestamptz '2026-10-25 06:00', interval '1 hour') AS g ORDER BY 1;
SELECT created_at, created_at::date AS d, created_at::timestamp AS t, created_at AT TIME ZONE 'UTC' AS u, created_at::text AS x FROM requests ORDER BY id LIMIT 40;
SELECT created_at::date AS d, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT date_trunc('day', created_at) AS d, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT date_trunc('day', created_at AT TIME ZONE 'America/Los_Angeles') AS d, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT date_trunc('day', created_at, 'Asia/Tokyo') AS d, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT extract(hour FROM created_at) AS h, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT to_char(created_at, 'YYYY-MM-DD HH24') AS h, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT id FROM requests WHERE created_at >= '@day@' ORDER BY id;
SELECT id FROM requests WHERE created_at::date = '@day@' ORDER BY id;
SELECT id FROM requests WHERE date_trunc('day', created_at) = '@day@' ORDER BY id;
SELECT id FROM requests WHERE created_at >= date '@day@' AND created_at < date '@day@' + 1 ORDER BY id;
SELECT id FROM requests WHERE created_at >= timestamp '@day@ 12:00' ORDER BY id;
SELECT id FROM requests WHERE created_at >= '@day@ 12:00:00Z' ORDER BY id;
SELECT id FROM requests WHERE extract(hour FROM created_at) BETWEEN 22 AND 23 ORDER BY id;
SELECT (date_trunc('week', created_at + interval '1 day') + interval '-1 day') AS w, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT min(created_at) AS a, max(created_at)::date AS b, max(created_at) - min(created_at) AS c FROM requests;
SELECT array_agg(created_at ORDER BY created_at) AS a FROM security;
-- session:
-- session: SET TimeZone = 'America/New_York'
SELECT timestamptz '2026-03-08 06:59:59Z' AS a, timestamptz '2026-03-08 07:00:00Z' AS b, timestamptz '2026-11-01 01:30' AS c, timestamptz '1883-11-18 12:00' AS d, timestamptz '1900-01-01' AS e, timestamptz '2300-07-01' AS f;
SELECT date_trunc('day', created_at) AS d, count(*), sum(latency_ms) FROM requests GROUP BY 1 ORDER BY 1;
SELECT id, started_at, ended_at, started_at::date AS d FROM traces ORDER BY id;
-- session:
-- session: SET TimeZone = '+05:30'
SELECT timestamptz '2026-03-08 12:00Z' AS a, timestamptz '2026-03-08 12:00' AS b;
-- session:
-- session: SET TimeZone = 'Australia/Lord_Howe'
SELECT timestamptz '2026-04-04 14:59Z' AS a, timestamptz '2026-04-04 15:00Z' AS b, date_trunc('hour', timestamptz '2026-04-04 15:10Z') AS c, date_trunc('day', timestamptz '2026-10-04 01:00Z') AS d;
-- session:
SELECT timestamptz '2026-03-08 12:00Z' AS a, created_at FROM security ORDER BY id;
-- error
SELECT timestamptz '2026-03-08 12:00Z' AT TIME ZONE 'Nowhere/City';
SELECT timestamptz '2026-03-08 12:00 Nowhere/City';
SELECT date_trunc('day', timestamptz '2026-03-08 12:00Z', 'Mars');
SET TimeZone = 'Nowhere/City';
-- order
-- session: SET TimeZone = '+05:30'
SHOW TimeZone;
SELECT timestamptz '2026-07-01 12:00+00' AS t, current_setting('timezone') AS z;
-- session:
-- session: SET TimeZone = 5.5
SHOW TimeZone;
SELECT timestamptz '2026-07-01 12:00+00' AS t, timestamp '2026-07-01 12:00'::timestamptz AS l;
-- session:
-- session: SET TimeZone = 'UTC+3'
SHOW TimeZone;
SELECT timestamptz '2026-07-01 12:00+00' AS t, date_trunc('day', timestamptz '2026-07-01 01:00+00') AS d;
-- session:
-- session: SET TimeZone = '<abc>3'
SHOW TimeZone;
-- session:
-- session: SET TimeZone = '-3'
SHOW TimeZone;
SELECT id, created_at FROM requests WHERE created_at >= '@middle@' ORDER BY created_at, id LIMIT 3;

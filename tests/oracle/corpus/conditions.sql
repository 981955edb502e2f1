-- What AND, OR, CASE and FILTER compute for which rows, and lists of values with NULL.
-- order
SELECT id FROM requests WHERE prompt_tokens <> 0 AND 1000 / prompt_tokens > 1 ORDER BY id;
SELECT x FROM (VALUES (0), (1), (2), (NULL)) AS v(x) WHERE x <> 0 AND 10 / x > 5 ORDER BY x;
SELECT x FROM (VALUES (0), (1), (2), (NULL)) AS v(x) WHERE 10 / x > 5 AND x <> 0 ORDER BY x;
SELECT x FROM (VALUES (0), (1), (2), (NULL)) AS v(x) WHERE x = 0 OR 10 / x > 5 ORDER BY x;
SELECT x, x <> 0 AND 10 / x > 5 AS a, x = 0 OR 10 / x > 5 AS o FROM (VALUES (0), (1), (2), (NULL)) AS v(x) ORDER BY x;
SELECT x, NOT (x = 0 OR 10 / x > 5) AS n, (x = 0 OR 10 / x > 5) IS NULL AS u FROM (VALUES (0), (1), (2), (NULL)) AS v(x) ORDER BY x;
SELECT x, x > 0 AND (x > 1 AND 10 / (x - 1) > 5) AS a FROM (VALUES (0), (1), (2), (NULL)) AS v(x) ORDER BY x;
SELECT x, x = 0 OR (x = 1 OR 10 / (x - 1) > 5) OR 10 / x > 3 AS a FROM (VALUES (0), (1), (2), (NULL)) AS v(x) ORDER BY x;
SELECT CASE WHEN x <> 0 AND 10 / x > 5 THEN 'much' ELSE 'little' END AS c, count(*) FROM (VALUES (0), (1), (2), (NULL)) AS v(x) GROUP BY 1 ORDER BY 1;
SELECT x FROM (VALUES (0), (1), (2), (3)) AS v(x) ORDER BY x <> 0 AND 10 / x > 4, x;
SELECT x <> 0 AND 10 / x > 4 AS k, sum(x) FROM (VALUES (0), (1), (2), (3)) AS v(x) GROUP BY x <> 0 AND 10 / x > 4 ORDER BY 1;
SELECT count(*) FILTER (WHERE x <> 0 AND 10 / x > 4) AS n, bool_or(x <> 0 AND 10 / x > 4) AS any_of, sum(10 / x) FILTER (WHERE x <> 0) AS s FROM (VALUES (0), (1), (2), (3)) AS v(x);
SELECT x % 2 AS k, count(*) FILTER (WHERE x <> 0 AND 10 / x > 4) AS n, sum(10 / x) FILTER (WHERE x <> 0) AS s, string_agg((10 / x)::text, ',' ORDER BY x) FILTER (WHERE x > 0) AS t FROM (VALUES (0), (1), (2), (3)) AS v(x) GROUP BY 1 ORDER BY 1;
SELECT x, sum(10 / x) FILTER (WHERE x <> 0) OVER (ORDER BY x) AS s, bool_or(x <> 0 AND 10 / x > 4) OVER (ORDER BY x) AS b FROM (VALUES (0), (1), (2), (3)) AS v(x) ORDER BY x;
SELECT x, coalesce(x, 1 / x) AS c, nullif(x, 0) AS n, CASE x WHEN 0 THEN 0 ELSE 10 / x END AS d FROM (VALUES (0), (1), (2), (3)) AS v(x) ORDER BY x;
SELECT a.x, b.y FROM (VALUES (0), (1), (2)) AS a(x) JOIN (VALUES (0), (1), (4)) AS b(y) ON a.x <> 0 AND b.y / a.x >= 1 ORDER BY 1, 2;
SELECT a.x, b.y FROM (VALUES (0), (1), (2)) AS a(x) LEFT JOIN (VALUES (0), (1), (4)) AS b(y) ON a.x = b.y AND a.x <> 0 AND b.y / a.x >= 1 ORDER BY 1, 2;
SELECT a.x, b.y FROM (VALUES (0), (1), (2)) AS a(x) FULL JOIN (VALUES (0), (1), (4)) AS b(y) ON a.x = b.y AND (a.x = 0 OR b.y / a.x >= 1) ORDER BY 1, 2;
SELECT id FROM requests WHERE extra ->> 'n' ~ '^[0-9]+$' AND (extra ->> 'n')::int > 1 ORDER BY id;
SELECT t, t ~ '^\d+$' AND t::int > 5 AS a FROM (VALUES ('1'), ('x'), ('70'), (NULL)) AS v(t) ORDER BY t;
SELECT t FROM (VALUES ('1'), ('x'), ('70'), (NULL)) AS v(t) WHERE t ~ '^\d+$' AND t::int > 5 ORDER BY t;
SELECT t FROM (VALUES ('1'), ('x'), ('70'), (NULL)) AS v(t) WHERE t !~ '^\d+$' OR t::int > 5 ORDER BY t;
SELECT x, x IN (1) AND x IN (2) AS a, x NOT IN (1) OR x NOT IN (2) AS o, x IN (1, 2) AND x NOT IN (2, 3) AS m, x IN (1, 2) AND x IN (2, 3) AS i FROM (VALUES (1), (2), (3), (NULL)) AS v(x) ORDER BY x;
SELECT x, x NOT IN (1, 2) AND x NOT IN (2, 3) AS a, x IN (1, 2) OR x IN (2, 3) AS o, x IN (1, 2) AND x NOT IN (1, 2) AS n, NOT (x IN (1) AND x IN (2)) AS z FROM (VALUES (1), (2), (3), (NULL)) AS v(x) ORDER BY x;
SELECT x, (x IN (1) AND x IN (2)) IS NULL AS a, coalesce(x IN (1, 4) AND x IN (2, 5), true) AS c, CASE WHEN x IN (1) AND x IN (2) THEN 'yes' ELSE 'no' END AS k FROM (VALUES (1), (2), (3), (NULL)) AS v(x) ORDER BY x;
SELECT x, x = 1 AND x = 2 AS a, x <> 1 OR x <> 2 AS o, x = 1 AND x <> 1 AS e, x = 1 OR x <> 1 AS t, x > 1 AND x < 1 AS g, x > 1 OR x <= 1 AS h FROM (VALUES (1), (2), (3), (NULL)) AS v(x) ORDER BY x;
SELECT x FROM (VALUES (1), (2), (3), (NULL)) AS v(x) WHERE NOT (x IN (1, 2) AND x IN (3, 4)) ORDER BY x;
SELECT x FROM (VALUES (1), (2), (3), (NULL)) AS v(x) WHERE (x IN (1, 2) AND x IN (3, 4)) IS NOT TRUE ORDER BY x;
SELECT x FROM (VALUES (1), (2), (3), (NULL)) AS v(x) WHERE (x NOT IN (1, 2) OR x NOT IN (3, 4)) IS UNKNOWN ORDER BY x;
SELECT x, x = x AS e, x <> x AS n, x >= x AS g, x IS NOT DISTINCT FROM x AS d, x + 0 = x AS p, x * 0 = 0 AS z FROM (VALUES (1), (NULL)) AS v(x) ORDER BY x;
SELECT b, b = true AS t, b <> false AS f, b AND NULL AS an, b OR NULL AS o, NOT b AS n, b AND b AS bb, b OR NOT b AS x, b AND NOT b AS y FROM (VALUES (true), (false), (NULL)) AS v(b) ORDER BY b;
SELECT x, x BETWEEN 1 AND 2 AS b, x NOT BETWEEN 1 AND 2 AS n, x BETWEEN 2 AND 1 AS e, x BETWEEN SYMMETRIC 2 AND 1 AS s, x BETWEEN NULL AND 2 AS u FROM (VALUES (1), (2), (3), (NULL)) AS v(x) ORDER BY x;
SELECT t, t LIKE '%' AS a, t NOT LIKE '%' AS n, t LIKE t AS s, t ILIKE '%A%' AS i, t LIKE NULL AS u FROM (VALUES ('a'), ('B'), (''), (NULL)) AS v(t) ORDER BY t;
-- error
SELECT 10 / x > 5 AND x <> 0 FROM (VALUES (0), (1)) AS v(x);
SELECT x FROM (VALUES (0), (1)) AS v(x) WHERE 10 / x > 5 OR x = 0;
SELECT x FROM (VALUES (0), (1)) AS v(x) WHERE x = 1 OR 10 / x > 5;
SELECT t::int > 5 AND t ~ '^\d+$' FROM (VALUES ('1'), ('x')) AS v(t);
SELECT x <> 0 OR 10 / x > 5 FROM (VALUES (0), (1)) AS v(x);

-- An empty array.
-- bag
SELECT count(*) FROM spanlens.requests WHERE provider = ANY ('{}'::text[]);
SELECT count(*) FROM spanlens.requests WHERE cost_usd < ALL ('{}'::float8[]);
SELECT NULL = ANY ('{}'::int[]), NULL = ALL ('{}'::int[]), (NULL::int < ANY ('{}'::int[])) <> true, NOT NULL::text = ANY ('{}');
SELECT count(*) FROM spanlens.requests WHERE (error_message = ANY ('{}')) IS FALSE;

-- Regular expressions.
-- order
SELECT 'abc' ~ 'b' AS a, 'abc' ~ '^b' AS b, 'ABC' ~* 'b' AS c, 'abc' !~ 'z' AS d, 'ABC' !~* 'b' AS e, 'abc' ~ '' AS f, NULL ~ 'a' AS g, 'abc' ~ 'a|z' AS h, 'aaa' ~ '^a{2,3}$' AS i;
SELECT 'a1' ~ '\d' AS a, 'a b' ~ '\s' AS b, 'foo bar' ~ '\mbar\M' AS c, 'foobar' ~ '\mbar' AS d, 'foo' ~ '\yfoo\y' AS e, 'a_b' ~ '\w{3}' AS f, 'a' ~ '[[:alpha:]]' AS g, 'é' ~ '[[:alpha:]]' AS h, '5' ~ '[[:digit:]]' AS i, 'A' ~ '[[:lower:]]' AS j;
SELECT E'a\nb' ~ 'a.b' AS a, E'a\nb' ~ '(?n)a.b' AS b, E'a\nb' ~ '^b' AS c, E'a\nb' ~ '(?n)^b' AS d, E'a\nb' ~ '(?w)^b' AS e, 'AbC' ~ '(?i)abc' AS f, 'a b' ~ '(?x)a \s b' AS g, 'a.c' ~ '***=a.c' AS h, 'abc' ~ '***=a.c' AS i;
SELECT 'foobar' ~ 'foo(?=bar)' AS a, 'foobaz' ~ 'foo(?!bar)' AS b, 'foobar' ~ '(?<=foo)bar' AS c, 'xbar' ~ '(?<!foo)bar' AS d, 'abab' ~ '^(ab)\1$' AS e, 'abba' ~ '(.)\1' AS f, 'ac' ~ 'ab?c' AS g, 'abc' ~ '\Aabc\Z' AS h;
SELECT substring('foobar' FROM 'o+') AS a, substring('foobar' FROM '(o+)b') AS b, substring('foobar' FROM 'f(?:o+)(b)') AS c, substring('foobar' FROM 'z') AS d, substring('xaaay' FROM 'a+?') AS e, substring('XY1234Z' FROM 'Y*([0-9]{1,3})') AS f, substring('XY1234Z' FROM 'Y*?([0-9]{1,3})') AS g;
SELECT regexp_replace('foobarbaz', 'b..', 'X') AS a, regexp_replace('foobarbaz', 'b..', 'X', 'g') AS b, regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g') AS c, regexp_replace('Hello', 'l', '\&\&', 'g') AS d, regexp_replace('ABC', 'b', 'x', 'i') AS e, regexp_replace('abc', '', '-', 'g') AS f, regexp_replace('a\b', '\\', '/') AS g;
SELECT regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i') AS a, regexp_replace('abcabc', 'b', 'X', 3) AS b, regexp_replace('abcabc', 'b', 'X', 1, 2) AS c;
SELECT regexp_match('foobarbequebaz', 'bar.*que') AS a, regexp_match('foobarbequebaz', '(bar)(beque)') AS b, regexp_match('abc', 'z') AS c, (regexp_match('abc123', '([a-z]+)(\d+)'))[2] AS d, regexp_match('abc', '(x)?b') AS e;
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g') AS m ORDER BY 1;
SELECT regexp_matches('abc', 'z') AS m;
SELECT regexp_split_to_array('the quick  brown', '\s+') AS a, regexp_split_to_array('abc', '') AS b, regexp_split_to_array('a1b2c', '\d') AS c, regexp_split_to_array('aXbxc', 'x', 'i') AS d;
SELECT w FROM regexp_split_to_table('the quick brown fox', '\s+') AS w ORDER BY w;
SELECT regexp_count('ABCABCAXYaxy', 'A.') AS a, regexp_count('ABCABCAXYaxy', 'A.', 1, 'i') AS b, regexp_instr('ABCDEFGHI', 'D') AS c, regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2) AS d, regexp_like('Hello World', 'world$', 'i') AS e, regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i', 2) AS f, regexp_substr('abc', 'z') AS g;
SELECT 'abc' SIMILAR TO 'abc' AS a, 'abc' SIMILAR TO 'a' AS b, 'abc' SIMILAR TO '%(b|d)%' AS c, 'abc' SIMILAR TO '(b|c)%' AS d, '-abc-' SIMILAR TO '%\mabc\M%' AS e, 'a.c' SIMILAR TO 'a.c' AS f, 'abc' SIMILAR TO 'a.c' AS g, 'abc' NOT SIMILAR TO '_b_' AS h, 'a%c' SIMILAR TO 'a!%c' ESCAPE '!' AS i, 'aab' SIMILAR TO 'a+b' AS j, E'a\nb' SIMILAR TO 'a%b' AS k;
SELECT 'Größe' ~ '^\w+$' AS a, 'ÄRGER' ~* 'ärger' AS b, '🧵' ~ '^.$' AS c, '漢字' ~ '[一-龠]+' AS d, 'ß' ~* 'SS' AS e, E'\t' ~ '^\s$' AS f, E'\u00a0' ~ '^\s$' AS g;
SELECT 'a-b' ~ '[a\-b]' AS a, 'a]b' ~ '[]]' AS b, 'a^b' ~ '[\^]' AS c, 'x' ~ '[^a-c]' AS d, '$5.00' ~ '^\$\d+\.\d{2}$' AS e, 'a+b' ~ 'a\+b' AS f, 'tab	x' ~ '\t' AS g, 'a' ~ '\x61' AS h, 'a' ~ '\u0061' AS i;
SELECT DISTINCT model, model ~ '^gpt-4' AS a, model ~* 'MINI|sonnet' AS b, substring(model FROM '[0-9]{4}-[0-9]{2}') AS c, regexp_replace(model, '-?\d{4}-?\d{2}-?\d{2}$', '') AS d, (regexp_match(model, '^([a-z]+)-(.*)$'))[1] AS e FROM requests ORDER BY model;
SELECT regexp_replace(model, '\d', '#', 'g') AS m, count(*) FROM requests GROUP BY 1 ORDER BY 1;
SELECT id FROM requests WHERE model ~ '^(gpt|claude)' AND model !~ 'mini' ORDER BY id;
SELECT id FROM requests WHERE error_message ~* 'rate|limit' ORDER BY id;
SELECT id FROM requests WHERE model SIMILAR TO '%(mini|haiku)%' ORDER BY id;
SELECT id, regexp_split_to_array(model, '-') AS parts, array_length(regexp_split_to_array(model, '-'), 1) AS n FROM requests ORDER BY id LIMIT 30;
SELECT r.id, m[1] AS digits FROM requests r, regexp_matches(r.model, '\d+', 'g') AS m WHERE r.provider = 'openai' ORDER BY 1, 2;
SELECT 'foo' OPERATOR(pg_catalog.~) '^(foo)$' COLLATE pg_catalog.default AS a, 'foo' ~ '^(foo)$' AS b;
-- error
SELECT 'a' ~ '(';
SELECT 'a' ~ '[a';
SELECT 'a' ~ 'a{2,1}';
SELECT 'a' ~ '*a';
SELECT 'a' ~ '\';
SELECT regexp_replace('a', 'a', 'b', 'z');
SELECT regexp_match('a', 'a', 'g');
SELECT 'ab' LIKE 'a\';
SELECT 'a' LIKE 'a' ESCAPE 'xy';
SELECT 'a' SIMILAR TO 'a' ESCAPE 'xy';

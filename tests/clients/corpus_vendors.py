"""Statements over the tables of the other vendors and over the views of all sources, which the gateway and PostgreSQL
must answer alike.

In braces stand keys and times of rows that exist; a brace of the statement's own is doubled. Statements whose
difference is known and belongs to the engine are left out.
"""

# Conditions, by the table they are over.
CONDITIONS = {
    "scale.spans": r"""
        status = 'ERROR'
        status <> 'SUCCESS'
        status IN ('ERROR', 'CANCELED')
        status NOT IN ('ERROR', 'CANCELED')
        status IS NULL
        status = 'nobody'
        type IN ('TRACER', 'CUSTOM', 'nobody')
        type NOT IN ('COMPLETION')
        type IS NULL OR type LIKE 'KB\_%'
        type LIKE 'KB_%' AND status = 'SUCCESS'
        type > 'DATA' AND type <= 'KB_INPUT'
        name = 'Chat'
        name = 'retrieve_docs'
        name LIKE 'retrieve_docs'
        name LIKE 'retrieve\_docs'
        name ILIKE 'CHAT%'
        name LIKE '%100\%%'
        name LIKE '%\\%'
        name = ''
        name NOT LIKE '%e%'
        name IN ('rerank', ' blanks around ', '')
        parent_id IS NULL
        parent_id IS NOT NULL AND status = 'ERROR'
        trace_id = '{scale_trace}'
        trace_id <> '{scale_trace}' AND parent_id IS NULL
        id = '{scale_id}'
        id NOT IN ('{scale_id}')
        group_id = 'GROUP_A'
        group_id IN ('group_a', 'GROUP_A')
        group_id NOT IN ('group_a', '')
        duration_ms >= 3000
        duration_ms < 12.5
        duration_ms BETWEEN 100 AND 400.25
        duration_ms > 2000 AND duration_ms <= 2000.5 OR duration_ms IS NULL
        NOT duration_ms >= 500
        duration_ms IS NULL AND end_timestamp IS NULL
        start_timestamp >= '{scale_middle}'
        start_timestamp > '{scale_middle}'
        start_timestamp = '{scale_middle}'
        start_timestamp BETWEEN '{scale_early}' AND '{scale_late}' AND status = 'ERROR'
        start_timestamp <= '{scale_early}' OR start_timestamp > '{scale_late}'
        start_timestamp::date = '{scale_day}'
        end_timestamp > start_timestamp + interval '1 second'
        input_tokens > 1000 AND output_tokens < 3000
        input_tokens + output_tokens > 5000
        input_tokens IS NULL
        metadata ->> 'version' = '5'
        metadata ->> 'env' = 'Prod'
        metadata ->> 'env' = 'prod' AND status = 'ERROR'
        metadata ->> 'env' IN ('prod', 'dev')
        metadata ->> 'env' NOT IN ('prod', 'dev')
        metadata ->> 'env' LIKE '%rod'
        metadata ->> 'env' ILIKE 'PROD'
        metadata ->> 'env' IS NULL AND metadata IS NOT NULL
        metadata -> 'customer' ->> 'plan' = 'pro'
        metadata -> 'customer' IS NOT NULL
        (metadata -> 'customer' ->> 'seats')::bigint = 3
        metadata -> 'tags' ->> 0 = 'a'
        metadata ->> 'env' = 'Prod' AND start_timestamp >= '{scale_middle}'
        input ->> 'text' = '5'
        input -> 'messages' -> 0 ->> 'role' = 'system'
        output ->> 'model' LIKE 'gpt-4o%'
        trace_id IN (SELECT trace_id FROM scale.spans WHERE parent_id IS NULL AND status = 'ERROR')
    """,
    "respan.spans": r"""
        model = 'gpt-4o'
        model IN ('gpt-4o', 'GPT-4o')
        model NOT IN ('gpt-4o', 'gpt-4o-mini')
        model <> 'gpt-4o-mini'
        model LIKE 'gpt%'
        model LIKE '%_mini%'
        model LIKE '%\_4o\%%'
        model ILIKE '%GPT%'
        model NOT ILIKE '%gpt%'
        model = ''
        model IS NULL
        model LIKE 'azure\\gpt%'
        log_type = 'chat' AND model = 'gpt-4o'
        log_type NOT IN ('chat', 'tool')
        environment = 'prod'
        environment = 'test' OR status = 'failed'
        environment IN ('staging', 'test')
        status = 'error'
        status <> 'success'
        status IS NULL
        status_code <> 200
        status_code >= 400 AND status_code < 500
        status_code BETWEEN 0 AND 200
        status_code NOT IN (200, 401)
        status_code IS NULL
        cost >= 0.001 AND cost < 0.01
        cost = 0
        NOT cost > 0.001
        cost IS NULL AND log_type = 'tool'
        latency > 2.5
        latency <= 0.25
        latency BETWEEN 0.5 AND 1.5
        time_to_first_token > 0.5
        tokens_per_second < 20 OR tokens_per_second > 100
        temperature = 0.7
        temperature IN (0.7, 0)
        max_tokens = 1024 AND stream
        stream = false
        NOT stream
        stream IS NULL AND log_type = 'chat'
        prompt_tokens + completion_tokens = total_request_tokens
        total_request_tokens > 2000
        customer_identifier = 'user_1'
        customer_identifier LIKE 'user_1%'
        customer_identifier LIKE 'user\_1%'
        customer_identifier ILIKE '%USER_6'
        customer_identifier NOT LIKE '%1%'
        timestamp >= '{respan_middle}'
        timestamp < '{respan_middle}' AND environment = 'prod'
        timestamp = '{respan_middle}'
        timestamp BETWEEN '{respan_early}' AND '{respan_late}' AND status = 'error'
        timestamp <> '{respan_middle}'
        start_time < timestamp - interval '3 seconds'
        start_time::date = '{respan_day}'
        id = '{respan_id}'
        trace_unique_id = '{respan_trace}'
        trace_unique_id IN (SELECT trace_unique_id FROM respan.spans WHERE status = 'error')
        span_parent_id IS NULL AND span_name ILIKE 'answer%'
        metadata ->> 'plan' = 'pro'
        metadata ->> 'plan' <> 'pro'
        metadata ->> 'plan' NOT IN ('pro', 'Pro')
        metadata ->> 'plan' IN ('pro', 'free', '')
        metadata ->> 'plan' LIKE 'p%'
        metadata ->> 'plan' ILIKE 'PRO'
        metadata ->> 'plan' IS NULL
        metadata ->> 'déjà' = 'VU'
        metadata ->> 'user_type' = '5' AND metadata ->> 'plan' = 'pro'
        (scores -> 'd4f46e95-73ff-4166-8581-928c1a1b1589' ->> 'score_value')::float8 > 4
        (scores -> 'd4f46e95-73ff-4166-8581-928c1a1b1589' ->> 'score_value')::float8 <= 2.5
        scores -> 'd4f46e95-73ff-4166-8581-928c1a1b1589' IS NULL
        extra ->> 'log_method' = 'inference'
        prompt_name = 'Übersetzung'
        prompt_name LIKE '%"short"%'
        error_message ILIKE '%rate%'
        input LIKE '%100\%%' AND output LIKE '%"done":true%'
    """,
    "adaline.spans": r"""
        project_id = 'project_demo_Beta_0002'
        project_id = 'project_demo_alpha_0001' AND status = 'failure'
        project_id IN ('project_demo_Beta_0002', 'nobody')
        project_id <> 'project_demo_Beta_0002'
        project_id LIKE '%beta%'
        status = 'failure'
        status IN ('aborted', 'cancelled')
        status NOT IN ('success', 'failure')
        content_type = 'Tool'
        content_type = 'Model' AND status = 'success'
        content_type ILIKE 'model%'
        content_type LIKE 'Mein\_%'
        name = 'Chat Completion'
        name ILIKE 'chat completion'
        name LIKE '%Chat%'
        name LIKE '%\%'
        name LIKE '%50\%'
        name = ''
        name ILIKE '%prüfung äö%'
        name LIKE '要約%'
        name NOT ILIKE '%c%'
        model = 'gpt-4o'
        model ILIKE '%GPT-4o%'
        model LIKE 'ft:gpt\_4\%o%'
        model IN ('gpt-4o', 'GPT-4o-mini')
        model IS NOT NULL AND provider <> 'openai'
        provider = 'Google'
        provider ILIKE 'google'
        provider IS NULL
        session_id LIKE 'session-%'
        session_id LIKE 'Session\_2%'
        session_id = ''
        session_id IS NULL
        cost > 0.001
        cost = 0
        cost BETWEEN 0.0001 AND 0.01
        cost NOT BETWEEN 0.0001 AND 0.01
        NOT cost > 0
        latency >= 2000
        latency < 100 OR latency IS NULL
        latency BETWEEN 999.5 AND 1500
        prompt_tokens > 1500 AND completion_tokens < 300
        total_tokens = prompt_tokens + completion_tokens
        total_tokens IS NULL
        started_at >= '{adaline_middle}'
        started_at > '{adaline_middle}' AND project_id = 'project_demo_Beta_0002'
        started_at = '{adaline_middle}'
        started_at BETWEEN '{adaline_early}' AND '{adaline_late}' AND status = 'success'
        started_at < '{adaline_early}' OR started_at >= '{adaline_late}'
        started_at::date = '{adaline_day}'
        ended_at IS NULL
        updated_at > created_at
        id = '{adaline_id}'
        log_trace_id = '{adaline_trace}'
        log_trace_id IN ('{adaline_trace}', 'nobody')
        parent_reference_id IS NULL AND reference_id IS NOT NULL
        attributes ->> 'env' = 'prod'
        attributes ->> 'env' NOT IN ('prod')
        attributes ->> 'retries' = '2'
        (attributes ->> 'retries')::bigint >= 1
        attributes -> 'env' IS NULL
        content ->> 'provider' = 'groq'
        content ->> 'input' LIKE '%looks%'
        tags ->> 0 = 'prod'
        tags ->> 1 IS NOT NULL
        tags = '["prod"]'
        tags::text LIKE '%日本%'
        events -> 0 ->> 'name' IS NOT NULL
    """,
    "trulayer.traces": r"""
        id = '{trulayer_trace}'
        id IN ('{trulayer_trace}', '{trulayer_other}')
        id NOT IN ('{trulayer_trace}')
        project_id = '0d0e0a11-0000-4000-8000-000000000002'
        model = 'gpt-4o'
        model ILIKE 'gpt-4o'
        model NOT IN ('gpt-4o', 'GPT-4o')
        error IS NULL
        error IS NOT NULL
        error ILIKE '%timed out%'
        latency_ms >= 5000
        latency_ms BETWEEN 1000 AND 5000
        latency_ms < 1000 OR latency_ms IS NULL
        total_token_count > 20000
        prompt_tokens_total + completion_tokens_total <> total_token_count
        cost > 0.001 AND error IS NULL
        cost IS NULL
        span_count = 0
        span_count > 20 AND started_at >= '{trulayer_middle}'
        tags ->> 0 = 'Prod'
        tag_map ->> 'env' = 'prod'
        tag_map ->> 'env' ILIKE 'PROD'
        tag_map ->> 'größe' = 'XL'
        tag_map ->> 'tier' NOT IN ('gold')
        tag_map IS NULL
        (metadata ->> 'score')::float8 = 1.5
        started_at BETWEEN '{trulayer_early}' AND '{trulayer_late}'
        started_at > '{trulayer_middle}' OR model = 'GPT-4o'
        ended_at IS NULL
        name LIKE 'a_ent%'
        session_id LIKE '%\%'
        external_id LIKE 'ext\_%'
    """,
    "trulayer.spans": r"""
        trace_id = '{trulayer_trace}'
        trace_id = '{trulayer_trace}' AND type = 'llm'
        trace_id IN ('{trulayer_trace}', '{trulayer_other}', 'nobody')
        trace_id NOT IN ('{trulayer_trace}')
        span_id = '{trulayer_span}'
        trace_id IN (SELECT id FROM trulayer.traces WHERE error IS NOT NULL)
        trace_id NOT IN (SELECT id FROM trulayer.traces WHERE span_count > 10)
        trace_id = (SELECT id FROM trulayer.traces ORDER BY started_at DESC, id LIMIT 1)
        EXISTS (SELECT 1 FROM trulayer.traces t WHERE t.id = trace_id AND t.model = 'gpt-4o')
        NOT EXISTS (SELECT 1 FROM trulayer.traces t WHERE t.id = trace_id AND t.model = 'gpt-4o')
        type = 'llm'
        type NOT IN ('llm', 'tool')
        type <> 'llm' AND model IS NOT NULL
        model = 'GPT-4o'
        model ILIKE 'GPT-4o%'
        model LIKE '%\_4\%o'
        duration_ms > 5000
        duration_ms % 2 = 0 AND type = 'tool'
        prompt_tokens + completion_tokens > 1000
        cost_usd > 0.001
        cost_usd IS NULL AND type = 'llm'
        error IS NOT NULL
        error LIKE '%"deadline"%'
        error = ''
        name = 'answer-question'
        name ILIKE 'ANSWER%'
        name LIKE '%' || chr(10) || '%'
        created_at >= '{trulayer_middle}'
        created_at BETWEEN '{trulayer_early}' AND '{trulayer_late}' AND type = 'retrieval'
        created_at < '{trulayer_early}'
        span_input IS NULL AND span_output IS NOT NULL
        span_input LIKE '{{"%'
        trace_input = span_input
        trace_input ILIKE '%order%'
    """,
    "public.spans": r"""
        source = 'trulayer'
        source = 'scale' AND status = 'error'
        source IN ('respan', 'adaline') AND model ILIKE 'gpt-4o%'
        source <> 'respan' AND status = 'error'
        source NOT IN ('scale', 'trulayer')
        source = 'nobody'
        source LIKE '%a%'
        status = 'cancelled'
        status IN ('error', 'unknown')
        status NOT IN ('ok')
        status <> 'ok' OR model = 'gpt-4o'
        provider = 'openai'
        provider IS NULL AND model IS NOT NULL
        model LIKE 'gpt-4o%'
        started_at >= '{scale_middle}' AND status = 'error'
        started_at BETWEEN '{respan_early}' AND '{respan_late}' AND source = 'respan'
        duration_ms > 5000
        duration_ms BETWEEN 1000 AND 1500.5
        prompt_tokens > 2000
        total_tokens IS NULL AND cost_usd IS NOT NULL
        cost_usd > 0.01
        parent_id IS NULL AND source <> 'trulayer'
        trace_id IN ('{scale_trace}', '{respan_trace}', '{adaline_trace}', '{trulayer_trace}')
        trace_id IN (SELECT id FROM public.traces WHERE source = 'trulayer' AND status = 'error')
        metadata ->> 'env' = 'prod'
        metadata ->> 'plan' = 'pro'
        extra ->> 'group_id' = 'GROUP_A'
        user_id LIKE 'user_1%'
        session_id IS NOT NULL AND type = 'chat'
        error_message IS NOT NULL
        input LIKE '%order%'
    """,
    "public.traces": r"""
        source = 'trulayer'
        source = 'spanlens' AND status = 'error'
        status = 'error'
        status <> 'ok'
        span_count > 5 AND source = 'trulayer'
        duration_ms > 5000 AND total_cost_usd IS NOT NULL
        total_tokens BETWEEN 1000 AND 3000
        name ILIKE '%answer%'
        started_at >= '{trulayer_middle}'
        created_at IS NULL
        ended_at IS NULL OR error_message IS NOT NULL
        extra ->> 'model' = 'gpt-4o'
        id = '{trulayer_trace}'
    """,
}

# Columns that identify a row.
KEYS = {
    "scale.spans": "trace_id, id",
    "respan.spans": "id",
    "adaline.spans": "id",
    "trulayer.traces": "id",
    "trulayer.spans": "span_id",
    "public.spans": "source, trace_id, id",
    "public.traces": "source, id",
}

# Statements with a total order: their rows must come in it.
ORDERED = r"""
    SELECT trace_id, id, start_timestamp FROM scale.spans ORDER BY start_timestamp DESC, trace_id, id LIMIT 25
    SELECT trace_id, id, start_timestamp FROM scale.spans ORDER BY start_timestamp, trace_id DESC, id LIMIT 25 OFFSET 10
    SELECT id, trace_id, duration_ms FROM scale.spans ORDER BY duration_ms DESC NULLS LAST, trace_id, id LIMIT 20
    SELECT id, trace_id, duration_ms FROM scale.spans ORDER BY duration_ms DESC, trace_id, id LIMIT 60
    SELECT id, trace_id, name, metadata ->> 'env' AS env FROM scale.spans WHERE status = 'ERROR' ORDER BY 4, 1, 2 LIMIT 50
    SELECT metadata ->> 'env' AS env, count(*) FROM scale.spans GROUP BY 1 ORDER BY 1
    SELECT metadata -> 'customer' ->> 'plan' AS plan, count(*), max(duration_ms) FROM scale.spans GROUP BY 1 ORDER BY 1
    SELECT type, status, count(*) FROM scale.spans GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
    SELECT name, count(*) FROM scale.spans GROUP BY name HAVING count(*) > 30 ORDER BY 2 DESC, 1
    SELECT p.id, p.trace_id, count(c.id) AS children FROM scale.spans p LEFT JOIN scale.spans c ON c.trace_id = p.trace_id AND c.parent_id = p.id GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 40
    SELECT trace_id, count(*), min(start_timestamp), max(end_timestamp) FROM scale.spans GROUP BY trace_id ORDER BY 2 DESC, 1 LIMIT 30
    SELECT trace_id, id, metadata, input FROM scale.spans ORDER BY trace_id, id LIMIT 200
    SELECT trace_id, id, input, output, metadata::text || '' AS metadata FROM scale.spans ORDER BY trace_id, id LIMIT 200
    SELECT trace_id, id, metadata -> 'tags' AS tags, metadata -> 'cost' AS cost, metadata -> 'nothing' AS nothing FROM scale.spans ORDER BY 1, 2
    SELECT trace_id, id, metadata ->> 'version' AS version, metadata ->> 'customer' AS customer FROM scale.spans ORDER BY 1, 2
    SELECT trace_id, id, duration_ms, duration_ms / 1000 AS seconds, round(duration_ms)::bigint AS whole FROM scale.spans ORDER BY 1, 2
    SELECT trace_id, id, input_tokens::text AS i, start_timestamp::date AS day FROM scale.spans ORDER BY 1, 2 LIMIT 100
    SELECT trace_id, id, count(*) OVER (PARTITION BY trace_id) AS n, lag(id) OVER (PARTITION BY trace_id ORDER BY start_timestamp, id) AS before FROM scale.spans ORDER BY 1, 2
    SELECT id, timestamp, cost FROM respan.spans ORDER BY timestamp DESC, id LIMIT 40
    SELECT id, timestamp FROM respan.spans WHERE environment = 'prod' ORDER BY timestamp DESC, id DESC LIMIT 17
    SELECT id, cost FROM respan.spans ORDER BY cost DESC NULLS LAST, id LIMIT 25
    SELECT id, cost FROM respan.spans WHERE cost IS NOT NULL ORDER BY cost, id LIMIT 25
    SELECT id, latency, start_time, timestamp FROM respan.spans ORDER BY latency DESC, id LIMIT 25
    SELECT environment, status, count(*) FROM respan.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT model, count(*), max(latency), min(cost) FROM respan.spans GROUP BY model ORDER BY 2 DESC, 1
    SELECT stream, count(*), count(time_to_first_token) FROM respan.spans GROUP BY stream ORDER BY 1
    SELECT date_trunc('day', timestamp) AS day, count(*) FROM respan.spans WHERE environment = 'prod' GROUP BY 1 ORDER BY 1
    SELECT metadata ->> 'plan' AS plan, count(*), count(DISTINCT customer_identifier) FROM respan.spans GROUP BY 1 ORDER BY 1
    SELECT id, metadata, scores FROM respan.spans ORDER BY id LIMIT 200
    SELECT id, scores -> 'd4f46e95-73ff-4166-8581-928c1a1b1589' ->> 'score_value' AS score FROM respan.spans ORDER BY id
    SELECT id, cost, latency, status_code::text AS code, stream::text AS stream, temperature FROM respan.spans ORDER BY id
    SELECT id, input, output FROM respan.spans ORDER BY id LIMIT 150
    SELECT a.id, b.id AS parent FROM respan.spans a JOIN respan.spans b ON b.trace_unique_id = a.trace_unique_id AND b.span_unique_id = a.span_parent_id ORDER BY 1, 2 LIMIT 60
    SELECT CASE WHEN status_code >= 500 THEN 'server' WHEN status_code >= 400 THEN 'client' ELSE 'other' END AS class, count(*) FROM respan.spans GROUP BY 1 ORDER BY 1
    SELECT id, started_at FROM adaline.spans ORDER BY started_at DESC, id LIMIT 30
    SELECT id, started_at FROM adaline.spans WHERE project_id = 'project_demo_Beta_0002' ORDER BY started_at, id LIMIT 30
    SELECT id, started_at FROM adaline.spans WHERE status = 'failure' ORDER BY started_at DESC, id DESC LIMIT 12 OFFSET 5
    SELECT project_id, status, count(*) FROM adaline.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT project_id, content_type, count(*), max(latency), min(cost) FROM adaline.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT attributes ->> 'env' AS env, (attributes ->> 'retries')::bigint AS retries, count(*) FROM adaline.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT id, content, tags, events, attributes FROM adaline.spans ORDER BY id LIMIT 200
    SELECT id, tags -> 0 AS first, tags ->> -1 AS last, content ->> 'type' AS kind, parsed_content FROM adaline.spans ORDER BY id
    SELECT id, cost, latency / 1000 AS seconds, ended_at - started_at AS took FROM adaline.spans ORDER BY id LIMIT 200
    SELECT log_trace_id, count(*), sum(total_tokens)::bigint AS tokens FROM adaline.spans GROUP BY 1 HAVING count(*) > 5 ORDER BY 2 DESC, 1
    SELECT a.id, p.id AS parent FROM adaline.spans a LEFT JOIN adaline.spans p ON p.reference_id = a.parent_reference_id AND p.log_trace_id = a.log_trace_id WHERE a.status = 'failure' ORDER BY 1, 2
    SELECT id, started_at, span_count FROM trulayer.traces ORDER BY started_at DESC, id LIMIT 10
    SELECT id, name, latency_ms, cost, tags, tag_map FROM trulayer.traces ORDER BY id
    SELECT model, count(*), sum(span_count)::bigint AS spans, max(total_token_count) FROM trulayer.traces GROUP BY model ORDER BY model
    SELECT span_id, created_at FROM trulayer.spans ORDER BY created_at DESC, span_id LIMIT 30
    SELECT span_id, duration_ms FROM trulayer.spans WHERE trace_id = '{trulayer_trace}' ORDER BY duration_ms DESC, span_id
    SELECT type, model, count(*), max(duration_ms), sum(prompt_tokens)::bigint AS tokens FROM trulayer.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT t.id, s.span_id, s.name FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id ORDER BY 1, 2
    SELECT t.id, s.span_id, s.type FROM trulayer.spans s JOIN trulayer.traces t ON t.id = s.trace_id WHERE t.model = 'gpt-4o' AND s.type = 'llm' ORDER BY 1, 2
    SELECT t.id, s.span_id FROM trulayer.traces t JOIN trulayer.spans s ON t.id = s.trace_id WHERE t.error IS NOT NULL ORDER BY t.id, s.span_id
    SELECT t.id, s.span_id FROM trulayer.traces t LEFT JOIN trulayer.spans s ON s.trace_id = t.id ORDER BY 1, 2
    SELECT t.id, count(s.span_id) AS n, t.span_count FROM trulayer.traces t LEFT JOIN trulayer.spans s ON s.trace_id = t.id AND s.error IS NOT NULL GROUP BY t.id, t.span_count ORDER BY 2 DESC, 1
    SELECT t.id FROM trulayer.traces t LEFT JOIN trulayer.spans s ON s.trace_id = t.id WHERE s.span_id IS NULL ORDER BY 1
    SELECT s.span_id, t.name AS trace FROM trulayer.spans s LEFT JOIN trulayer.traces t ON t.id = s.trace_id AND t.error IS NOT NULL WHERE s.type = 'tool' ORDER BY 1
    SELECT t.id, s.span_id FROM trulayer.spans s RIGHT JOIN trulayer.traces t ON t.id = s.trace_id AND s.type = 'retrieval' ORDER BY 1, 2
    SELECT t.id, s.span_id FROM trulayer.traces t FULL JOIN trulayer.spans s ON s.trace_id = t.id AND t.span_count > 20 ORDER BY 1, 2
    SELECT s.span_id FROM trulayer.spans s WHERE s.trace_id IN (SELECT t.id FROM trulayer.traces t WHERE t.started_at >= '{trulayer_middle}') ORDER BY 1
    SELECT t.id FROM trulayer.traces t WHERE t.id IN (SELECT s.trace_id FROM trulayer.spans s WHERE s.error IS NOT NULL) ORDER BY 1
    SELECT t.id FROM trulayer.traces t WHERE t.id NOT IN (SELECT s.trace_id FROM trulayer.spans s WHERE s.type = 'tool') ORDER BY 1
    SELECT t.id FROM trulayer.traces t WHERE EXISTS (SELECT 1 FROM trulayer.spans s WHERE s.trace_id = t.id AND s.duration_ms > 5000) ORDER BY 1
    SELECT t.id FROM trulayer.traces t WHERE NOT EXISTS (SELECT 1 FROM trulayer.spans s WHERE s.trace_id = t.id) ORDER BY 1
    SELECT t.id, s.span_id FROM trulayer.traces t, trulayer.spans s WHERE t.id = s.trace_id AND t.id = '{trulayer_trace}' ORDER BY 1, 2
    SELECT t.id, s.span_id, s.duration_ms FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id AND s.created_at > t.started_at + interval '1 second' ORDER BY 3 DESC NULLS LAST, 2 LIMIT 30
    SELECT t.id, s.span_id FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id ORDER BY s.created_at DESC, s.span_id LIMIT 20
    SELECT t.id, s.span_id FROM (SELECT * FROM trulayer.traces ORDER BY started_at DESC, id LIMIT 5) t JOIN trulayer.spans s ON s.trace_id = t.id ORDER BY 1, 2
    WITH slow AS (SELECT id FROM trulayer.traces WHERE latency_ms > 5000) SELECT s.type, count(*) FROM slow JOIN trulayer.spans s ON s.trace_id = slow.id GROUP BY 1 ORDER BY 1
    SELECT t.model, s.type, count(*) AS n, sum(s.prompt_tokens)::bigint AS tokens FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id GROUP BY 1, 2 ORDER BY 1, 2
    SELECT t.id, (SELECT count(*) FROM trulayer.spans s WHERE s.trace_id = t.id AND s.type = 'llm') AS calls FROM trulayer.traces t ORDER BY 1
    SELECT a.span_id, b.span_id AS other FROM trulayer.spans a JOIN trulayer.spans b ON b.trace_id = a.trace_id AND b.span_id > a.span_id WHERE a.type = 'llm' AND b.error IS NOT NULL ORDER BY 1, 2
    SELECT t.id, t.tag_map ->> 'env' AS env, s.span_id FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.tag_map ->> 'env' ILIKE 'prod' ORDER BY 1, 3
    SELECT source, count(*) FROM public.spans GROUP BY source ORDER BY source
    SELECT source, status, count(*) FROM public.spans GROUP BY 1, 2 ORDER BY 1, 2
    SELECT source, count(*), count(DISTINCT trace_id) AS traces, max(duration_ms), min(started_at), max(started_at) FROM public.spans GROUP BY source ORDER BY 1
    SELECT source, model, count(*), sum(prompt_tokens)::bigint AS p, sum(completion_tokens)::bigint AS c FROM public.spans WHERE model ILIKE 'gpt%' GROUP BY 1, 2 ORDER BY 1, 2
    SELECT source, type, count(*) FROM public.spans WHERE status = 'error' GROUP BY 1, 2 HAVING count(*) > 3 ORDER BY 3 DESC, 1, 2
    SELECT source, date_trunc('day', started_at) AS day, count(*) FROM public.spans WHERE started_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
    SELECT source, count(*) FILTER (WHERE status = 'error') AS errors, count(*) FILTER (WHERE cost_usd > 0) AS paid FROM public.spans GROUP BY 1 ORDER BY 1
    SELECT source, id, trace_id, started_at FROM public.spans ORDER BY started_at DESC NULLS LAST, source, trace_id, id LIMIT 40
    SELECT source, id, trace_id, duration_ms FROM public.spans WHERE source IN ('scale', 'trulayer') ORDER BY duration_ms DESC NULLS LAST, source, trace_id, id LIMIT 40
    SELECT source, id, trace_id, cost_usd FROM public.spans WHERE cost_usd IS NOT NULL ORDER BY cost_usd DESC, source, id LIMIT 40
    SELECT DISTINCT source, provider FROM public.spans ORDER BY 1, 2
    SELECT source, id, trace_id, extra, metadata FROM public.spans ORDER BY 1, 3, 2 LIMIT 1500
    SELECT source, count(*), sum(span_count)::bigint AS spans, max(duration_ms) FROM public.traces GROUP BY source ORDER BY 1
    SELECT source, status, count(*) FROM public.traces GROUP BY 1, 2 ORDER BY 1, 2
    SELECT t.source, t.id, count(s.id) AS n FROM public.traces t JOIN public.spans s ON s.source = t.source AND s.trace_id = t.id GROUP BY 1, 2 ORDER BY 1, 2
    SELECT t.source, t.id, s.id AS span FROM public.traces t LEFT JOIN public.spans s ON s.source = t.source AND s.trace_id = t.id WHERE t.source = 'trulayer' AND t.status = 'error' ORDER BY 1, 2, 3
    SELECT s.source, s.id FROM public.spans s WHERE NOT EXISTS (SELECT 1 FROM public.traces t WHERE t.id = s.trace_id) AND s.status = 'error' ORDER BY 1, 2
    SELECT source, id FROM public.spans WHERE source = 'respan' AND status = 'error' UNION ALL SELECT source, id FROM public.traces WHERE source = 'trulayer' ORDER BY 1, 2
    SELECT s.span_id, p.source, p.duration_ms FROM trulayer.spans s JOIN public.spans p ON p.id = s.span_id AND p.source = 'trulayer' WHERE s.type = 'llm' ORDER BY 1
    SELECT a.model, count(*) AS n FROM (SELECT model FROM respan.spans UNION ALL SELECT model FROM adaline.spans UNION ALL SELECT model FROM trulayer.spans) a GROUP BY 1 ORDER BY 1
""".strip().splitlines()

# Sums and averages of float8, compared to 9 digits. Each in a total order.
SUMS = r"""
    SELECT source, sum(cost_usd), avg(duration_ms) FROM public.spans GROUP BY source ORDER BY 1
    SELECT model, sum(cost), avg(latency) FROM respan.spans GROUP BY model ORDER BY 1
    SELECT project_id, avg(latency), sum(cost) FROM adaline.spans GROUP BY 1 ORDER BY 1
    SELECT status, avg(duration_ms), stddev(duration_ms) FROM scale.spans GROUP BY 1 ORDER BY 1
    SELECT t.id, sum(s.cost_usd), t.cost FROM trulayer.traces t LEFT JOIN trulayer.spans s ON s.trace_id = t.id GROUP BY t.id, t.cost ORDER BY 1
    SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95 FROM public.spans WHERE source = 'scale'
    SELECT avg((scores -> 'd4f46e95-73ff-4166-8581-928c1a1b1589' ->> 'score_value')::float8) AS mean FROM respan.spans
    SELECT source, sum(total_cost_usd) FROM public.traces GROUP BY source ORDER BY 1
""".strip().splitlines()

# Again without pushdown: the gateway filters everything itself.
WITHOUT_PUSHDOWN = r"""
    SELECT trace_id, id FROM scale.spans WHERE status = 'ERROR' AND duration_ms >= 300 ORDER BY 1, 2
    SELECT trace_id, id FROM scale.spans WHERE metadata ->> 'version' = '5' ORDER BY 1, 2
    SELECT id FROM respan.spans WHERE model ILIKE '%gpt%' AND environment = 'prod' AND cost >= 0.001 ORDER BY id
    SELECT id FROM respan.spans WHERE metadata ->> 'plan' NOT IN ('pro') ORDER BY timestamp DESC, id LIMIT 30
    SELECT id FROM adaline.spans WHERE project_id = 'project_demo_Beta_0002' AND status <> 'success' ORDER BY id
    SELECT id FROM adaline.spans WHERE name ILIKE '%chat%' AND cost > 0 ORDER BY started_at DESC, id LIMIT 20
    SELECT id FROM trulayer.traces WHERE error IS NOT NULL OR latency_ms > 5000 ORDER BY id
    SELECT span_id FROM trulayer.spans WHERE trace_id = '{trulayer_trace}' AND type = 'llm' ORDER BY 1
    SELECT t.id, count(*) FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.model ILIKE 'gpt-4o' GROUP BY 1 ORDER BY 1
    SELECT source, count(*) FROM public.spans WHERE status = 'error' GROUP BY source ORDER BY source
""".strip().splitlines()

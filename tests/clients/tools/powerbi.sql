--# Power BI and Power Query: their navigator and what their steps fold into, through Npgsql, in binary.

--@ group: navigator
--@ formats: binary

select character_set_name from INFORMATION_SCHEMA.character_sets

--@ only: TABLE_SCHEMA sources
--@ formats: text
select TABLE_SCHEMA as "TABLE_SCHEMA", TABLE_NAME as "TABLE_NAME", TABLE_TYPE as "TABLE_TYPE" from
    INFORMATION_SCHEMA.tables where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') order by TABLE_SCHEMA,
    TABLE_NAME

--@ ordered
select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE ||
    ' unsigned' else DATA_TYPE end as DATA_TYPE from INFORMATION_SCHEMA.columns where TABLE_SCHEMA = 'spanlens' and
    TABLE_NAME = 'requests' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION

--@ ordered
select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION, case when
    i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY from INFORMATION_SCHEMA.table_constraints i
    inner join INFORMATION_SCHEMA.key_column_usage ii on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and
    i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME where
    i.TABLE_SCHEMA = 'spanlens' and i.TABLE_NAME = 'requests' and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE') order
    by i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME, ii.TABLE_SCHEMA, ii.TABLE_NAME, ii.ORDINAL_POSITION

--# The tables that this one refers to, and those that refer to it.
select pkcol.COLUMN_NAME as PK_COLUMN_NAME, fkcol.TABLE_SCHEMA AS FK_TABLE_SCHEMA, fkcol.TABLE_NAME AS FK_TABLE_NAME,
    fkcol.COLUMN_NAME as FK_COLUMN_NAME, fkcol.ORDINAL_POSITION as ORDINAL, fkcon.CONSTRAINT_SCHEMA || '_' ||
    fkcol.TABLE_NAME || '_' || 'traces' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME from (select distinct
    constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name from
    INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol on
    fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA and
    fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME where pkcol.TABLE_SCHEMA = 'spanlens' and pkcol.TABLE_NAME =
    'traces' and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION order by FK_NAME, fkcol.ORDINAL_POSITION

select pkcol.TABLE_SCHEMA AS PK_TABLE_SCHEMA, pkcol.TABLE_NAME AS PK_TABLE_NAME, pkcol.COLUMN_NAME as PK_COLUMN_NAME,
    fkcol.COLUMN_NAME as FK_COLUMN_NAME, fkcol.ORDINAL_POSITION as ORDINAL, fkcon.CONSTRAINT_SCHEMA || '_' ||
    'requests' || '_' || pkcol.TABLE_NAME || '_' || fkcon.CONSTRAINT_NAME as FK_NAME from (select distinct
    constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name from
    INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol on
    fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA and
    fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME where fkcol.TABLE_SCHEMA = 'spanlens' and fkcol.TABLE_NAME =
    'requests' and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION order by FK_NAME, fkcol.ORDINAL_POSITION

DISCARD ALL

--@ group: folded steps
--@ formats: text binary

--@ ordered
select "$Table"."id" as "id", "$Table"."project_id" as "project_id", "$Table"."name" as "name", "$Table"."status" as
    "status", "$Table"."duration_ms" as "duration_ms", "$Table"."total_cost_usd" as "total_cost_usd",
    "$Table"."started_at" as "started_at" from "spanlens"."traces" "$Table" order by "$Table"."id" limit 1000

select "_"."provider", "_"."model", "_"."latency_ms" from "spanlens"."requests" "_" where "_"."provider" = 'openai'
    and "_"."latency_ms" > 500

select "rows"."provider" as "provider", sum(cast("rows"."latency_ms" as decimal)) as "total", count(1) as "n",
    avg(cast("rows"."latency_ms" as double precision)) as "mean" from ( select "_"."provider", "_"."latency_ms" from
    "spanlens"."requests" "_" where "_"."created_at" >= timestamp '@from@ 00:00:00' ) "rows" group by "provider"

select "rows"."provider" as "provider", count(distinct("rows"."model")) + max(case when "rows"."model" is null then 1
    else 0 end) as "models" from "spanlens"."requests" "rows" group by "provider"

--# DirectQuery: a table visual, a slicer, a card.
select "_"."c21" as "c21", "_"."a0" as "a0" from ( select "rows"."model" as "c21", sum("rows"."total_tokens") as "a0"
    from ( select "_"."model" as "model", "_"."total_tokens" as "total_tokens" from "spanlens"."requests" "_" where
    ("_"."provider" = 'openai' and "_"."provider" is not null) ) "rows" group by "model" ) "_" where not "_"."a0" is
    null limit 1000001

--@ ordered
select "rows"."provider" as "provider" from "spanlens"."requests" "rows" group by "provider" order by
    "rows"."provider" limit 501

select count(*) as "a0", sum("rows"."prompt_tokens") as "a1", min("rows"."created_at") as "a2",
    max("rows"."created_at") as "a3" from "spanlens"."requests" "rows"

--@ ordered
select "_"."c1" as "c1", "_"."c2" as "c2", "_"."a0" as "a0" from ( select "rows"."c1" as "c1", "rows"."c2" as "c2",
    sum("rows"."cost") as "a0" from ( select "$Outer"."provider" as "c1", "$Inner"."name" as "c2", "$Outer"."cost_usd"
    as "cost" from "spanlens"."requests" "$Outer" left outer join "spanlens"."traces" "$Inner" on ("$Outer"."trace_id"
    = "$Inner"."id") ) "rows" group by "c1", "c2" ) "_" where not "_"."a0" is null order by "_"."c1", "_"."c2" limit
    1000001

--@ ordered
select "_"."id", "_"."created_at", cast("_"."created_at" as date) as "day", extract(year from "_"."created_at") as
    "y", cast(extract(month from "_"."created_at") as integer) as "m", "_"."latency_ms" / 1000.0 as "s",
    upper("_"."provider") as "p", concat("_"."provider", concat('/', "_"."model")) as "both" from
    "spanlens"."requests" "_" where "_"."model" like '%mini%' and position('4' in "_"."model") > 0 order by "_"."id"
    limit 200

--@ ordered
select "$Ordered"."id", "$Ordered"."latency_ms" from ( select "_"."id", "_"."latency_ms" from "spanlens"."requests"
    "_" where "_"."error_message" is null ) "$Ordered" order by "$Ordered"."latency_ms" desc, "$Ordered"."id" limit 10
    offset 5

select "id", "model" from "spanwire"."spanlens"."requests" "$Table" where "id" = '@id@'

select distinct "_"."status_code", case when "_"."status_code" >= 500 then 'server' when "_"."status_code" >= 400 then
    'client' else 'ok' end as "class" from "spanlens"."requests" "_"

--@ bind: [["text", "groq"], ["timestamptz", "@from@ 00:00:00+00"], ["int4", 5]]
--@ ordered
select "_"."id" from "spanlens"."requests" "_" where "_"."provider" = $1 and "_"."created_at" >= $2 order by "_"."id"
    limit $3

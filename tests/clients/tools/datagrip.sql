--# DataGrip: its introspection, through pgjdbc.

--@ group: connection

SET application_name = 'DataGrip 2025.2.3'

--@ shape
select version()

--# The gateway's search path names its sources too.
--@ shape
select current_database() as a, current_schemas(false) as b

SHOW TRANSACTION ISOLATION LEVEL

select current_database(), current_schema(), current_user

--@ shape
select round(extract(epoch from pg_postmaster_start_time() at time zone 'UTC')) as startup_time

--@ shape
select L.transactionid::varchar::bigint as transaction_id from pg_catalog.pg_locks L where L.transactionid is not null
    order by pg_catalog.age(L.transactionid) desc limit 1

--@ shape
select case when pg_catalog.pg_is_in_recovery() then null else (pg_catalog.txid_current() %
    4294967296)::varchar::bigint end as current_txid

--@ only: name spanwire
--@ ids: id
--@ without: owner
select N.oid::bigint as id, datname as name, D.description, datistemplate as is_template, datallowconn as
    allow_connections, pg_catalog.pg_get_userbyid(N.datdba) as "owner" from pg_catalog.pg_database N left join
    pg_catalog.pg_shdescription D on N.oid = D.objoid order by case when datname = pg_catalog.current_database() then
    -1::bigint else N.oid::bigint end

--# The mirror's schemas have no comments.
--@ only: name sources
--@ ids: id
--@ without: state_number, owner, description
select N.oid::bigint as id, N.xmin as state_number, nspname as name, D.description,
    pg_catalog.pg_get_userbyid(N.nspowner) as "owner" from pg_catalog.pg_namespace N left join
    pg_catalog.pg_description D on N.oid = D.objoid order by case when nspname = pg_catalog.current_schema() then
    -1::bigint else N.oid::bigint end

show DateStyle

--# The list of zones is each machine's.
--@ only: name Europe/Berlin UTC America/New_York
--@ without: is_dst
select name, is_dst from pg_catalog.pg_timezone_names union distinct select abbrev as name, is_dst from
    pg_catalog.pg_timezone_abbrevs

--@ only: role_name demo
--@ ids: role_id
--@ without: is_super, can_createrole, can_createdb, is_replication, bypass_rls
select R.oid::bigint as role_id, rolname as role_name, rolsuper is_super, rolinherit is_inherit, rolcreaterole
    can_createrole, rolcreatedb can_createdb, rolcanlogin can_login, rolreplication is_replication, rolconnlimit
    conn_limit, rolvaliduntil valid_until, rolbypassrls bypass_rls, rolconfig config, D.description from
    pg_catalog.pg_roles R left join pg_catalog.pg_shdescription D on D.objoid = R.oid

--@ shape
select member id, roleid role_id, admin_option from pg_catalog.pg_auth_members order by id, roleid::text

--@ ids: id
--@ without: state_number, owner
select T.oid::bigint as id, T.spcname as name, T.xmin as state_number, pg_catalog.pg_get_userbyid(T.spcowner) as
    owner, pg_catalog.pg_tablespace_location(T.oid) as location, T.spcoptions as options, D.description as comment
    from pg_catalog.pg_tablespace T left join pg_catalog.pg_shdescription D on D.objoid = T.oid

--@ shape
select T.oid as object_id, T.spcacl as acl from pg_catalog.pg_tablespace T union all select T.oid as object_id,
    T.datacl as acl from pg_catalog.pg_database T

--@ bind: [["int4", 28]]
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM pg_catalog.pg_type LEFT
    JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join ( select s.r,
    (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) )
    as r using ( nspname ) ) as sp ON sp.nspoid = typnamespace WHERE pg_type.oid = $1 ORDER BY sp.r, pg_type.oid DESC

select ssl from pg_stat_ssl where pid = pg_backend_pid()

--@ group: schema
--# The numbers of transactions (xmin) and the owners' names stand for nothing that the gateway has.

--@ bind: [["int8", "@schema@"]]
--@ shape
select max(last_tx) as state_number from ( select max(xmin::varchar::bigint) as last_tx from pg_catalog.pg_type where
    typnamespace = $1::oid union all select max(xmin::varchar::bigint) as last_tx from pg_catalog.pg_class where
    relnamespace = $1::oid union all select max(xmin::varchar::bigint) as last_tx from pg_catalog.pg_proc where
    pronamespace = $1::oid union all select max(xmin::varchar::bigint) as last_tx from pg_catalog.pg_operator where
    oprnamespace = $1::oid union all select max(A.xmin::varchar::bigint) as last_tx from pg_catalog.pg_attribute A
    join pg_catalog.pg_class K on K.oid = A.attrelid where K.relnamespace = $1::oid union all select
    max(xmin::varchar::bigint) as last_tx from pg_catalog.pg_constraint where connamespace = $1::oid union all select
    max(IX.xmin::varchar::bigint) as last_tx from pg_catalog.pg_index IX, pg_catalog.pg_class IC where IC.oid =
    IX.indrelid and IC.relnamespace = $1::oid) X

--@ bind: [["int8", "@schema@"]]
--@ without: table_state_number
select T.relkind as table_kind, T.relname as table_name, T.oid as table_id, T.xmin as table_state_number, false as
    table_with_oids, T.reltablespace as tablespace_id, T.reloptions as options, T.relpersistence as persistence,
    (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits where T.oid
    = inhrelid) as ancestors, (select pg_catalog.array_agg(inhrelid::bigint order by inhrelid)::varchar from
    pg_catalog.pg_inherits where T.oid = inhparent) as successors, T.relispartition as is_partition,
    pg_catalog.pg_get_partkeydef(T.oid) as partition_key, pg_catalog.pg_get_expr(T.relpartbound, T.oid) as
    partition_expression, T.relam am_id, pg_catalog.pg_get_userbyid(T.relowner) as "owner" from pg_catalog.pg_class T
    where relnamespace = $1::oid and relkind in ('r', 'm', 'v', 'f', 'p') order by table_kind, table_id

--@ bind: [["int8", "@schema@"]]
--@ without: column_state_number
with T as ( select distinct T.oid as table_id, T.relname as table_name from pg_catalog.pg_class T,
    pg_catalog.pg_attribute A where T.relnamespace = $1::oid and T.relkind in ('r', 'm', 'v', 'f', 'p') and A.attrelid
    = T.oid ) select T.table_id, C.attnum as column_position, C.attname as column_name, C.xmin as column_state_number,
    C.atttypmod as type_mod, C.attndims as dimensions_number, pg_catalog.format_type(C.atttypid, C.atttypmod) as
    type_spec, C.atttypid as type_id, C.attnotnull as mandatory, D.adbin is not null as has_default,
    pg_catalog.pg_get_expr(D.adbin, T.table_id) as column_default_expression, not C.attislocal as column_is_inherited,
    C.attfdwoptions as options, C.attisdropped as column_is_dropped, C.attidentity as identity_kind, C.attgenerated as
    generated from T join pg_catalog.pg_attribute C on T.table_id = C.attrelid left join pg_catalog.pg_attrdef D on
    (C.attrelid, C.attnum) = (D.adrelid, D.adnum) where attnum > 0 order by table_id, attnum

--@ bind: [["int8", "@schema@"]]
--@ without: state_number
select tab.oid table_id, tab.relkind table_kind, ind_stor.relname index_name, ind_head.indexrelid index_id,
    ind_stor.xmin state_number, ind_head.indisunique is_unique, ind_head.indisprimary is_primary,
    ind_head.indnullsnotdistinct nulls_not_distinct, pg_catalog.pg_get_expr(ind_head.indpred, ind_head.indrelid) as
    condition, (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits
    where ind_stor.oid = inhrelid) as ancestors, ind_stor.reltablespace tablespace_id, opcmethod as access_method_id
    from pg_catalog.pg_class tab join pg_catalog.pg_index ind_head on ind_head.indrelid = tab.oid join
    pg_catalog.pg_class ind_stor on tab.relnamespace = ind_stor.relnamespace and ind_stor.oid = ind_head.indexrelid
    left join pg_catalog.pg_opclass on pg_opclass.oid = ANY(indclass) where tab.relnamespace = $1::oid and tab.relkind
    in ('r', 'm', 'v', 'p') and ind_stor.relkind in ('i', 'I')

--@ bind: [["int8", "@schema@"]]
select ind_stor.oid index_id, k as column_index, ind_head.indoption[k-1] as column_options,
    pg_catalog.pg_get_indexdef(ind_head.indexrelid, k::int, true) as column_expression, ind_head.indkey[k-1] as
    column_position, ind_head.indclass[k-1] as class_id, ind_head.indnkeyatts as keys from pg_catalog.pg_index
    ind_head join pg_catalog.pg_class ind_stor on ind_stor.oid = ind_head.indexrelid cross join
    unnest(ind_head.indkey) with ordinality u(u, k) where ind_stor.relnamespace = $1::oid order by index_id, k

--@ bind: [["int8", "@schema@"]]
--@ without: con_state_id
--@ ids: con_id
select T.oid table_id, relkind table_kind, C.oid::bigint con_id, C.xmin con_state_id, conname con_name, contype
    con_kind, conkey con_columns, conindid index_id, confrelid ref_table_id, confkey ref_columns, condeferrable
    is_deferrable, condeferred is_init_deferred, confupdtype on_update, confdeltype on_delete, connoinherit
    no_inherit, pg_catalog.pg_get_expr(conbin, T.oid) con_expression, conexclop::int[] as con_operators from
    pg_catalog.pg_constraint C join pg_catalog.pg_class T on C.conrelid = T.oid where relkind in ('r', 'v', 'f', 'p')
    and relnamespace = $1::oid and contype in ('p', 'u', 'f', 'c', 'x') and connamespace = $1::oid order by con_id

--@ bind: [["int8", "@schema@"]]
select T.relkind as table_kind, T.oid as table_id, D.objsubid as column_position, D.description from
    pg_catalog.pg_class T join pg_catalog.pg_description D on D.objoid = T.oid where T.relnamespace = $1::oid and
    D.classoid = 'pg_catalog.pg_class'::regclass and T.relkind in ('r', 'm', 'v', 'f', 'p') order by table_id,
    column_position

--@ bind: [["int8", "@schema@"]]
--@ empty
with languages as (select oid as lang_oid, lanname as lang from pg_catalog.pg_language), routines as (select proname
    as r_name, prolang as lang_oid, oid as r_id, xmin as r_state_number, proargnames as arg_names, proargmodes as
    arg_modes, proargtypes::int[] as in_arg_types, proallargtypes::int[] as all_arg_types,
    pg_catalog.pg_get_expr(proargdefaults, 0) as arg_defaults, provariadic as arg_variadic_id, prorettype as
    ret_type_id, proretset as ret_set, prokind as kind, provolatile as volatile_kind, proisstrict as is_strict,
    prosecdef as is_security_definer, proconfig as configuration_parameters, procost as cost,
    pg_catalog.pg_get_userbyid(proowner) as "owner", prorows as rows, proleakproof as is_leakproof, proparallel as
    concurrency_kind from pg_catalog.pg_proc where pronamespace = $1::oid and not (prokind = 'a')) select * from
    routines natural join languages

--@ bind: [["int8", "@schema@"]]
--@ shape
select T.oid as type_id, T.xmin as type_state_number, T.typname as type_name, T.typtype as type_sub_kind,
    T.typcategory as type_category, T.typrelid as class_id, T.typbasetype as base_type_id, case when T.typtype in
    ('c','e') then null else pg_catalog.format_type(T.typbasetype, T.typtypmod) end as definition, T.typndims as
    dimensions_number, T.typdefault as default_expression, T.typnotnull as mandatory,
    pg_catalog.pg_get_userbyid(T.typowner) as "owner" from pg_catalog.pg_type T where T.typnamespace = $1::oid and
    (T.typtype in ('d','e') or T.typtype = 'c'::"char" or (T.typtype = 'b' and (T.typelem = 0 OR T.typcategory <>
    'A')) or T.typtype = 'p') order by 1

--@ bind: [["int8", "@schema@"]]
--@ shape
select T.oid as object_id, T.relacl as acl from pg_catalog.pg_class T where relnamespace = $1::oid and relacl is not
    null union all select A.attrelid as object_id, A.attacl as acl from pg_catalog.pg_attribute A join
    pg_catalog.pg_class C on A.attrelid = C.oid where relnamespace = $1::oid and A.attacl is not null

--@ bind: [["int8", "@schema@"]]
--@ empty
select T.relkind as view_kind, T.oid as view_id, pg_catalog.pg_get_viewdef(T.oid, true) as source_text from
    pg_catalog.pg_class T join pg_catalog.pg_namespace N on T.relnamespace = N.oid where N.oid = $1::oid and T.relkind
    in ('m','v')

--@ group: console
--@ formats: text binary

--@ ordered
select t.* from spanlens.requests t order by created_at, id limit 501

--@ bind: [["varchar", "groq"]]
select count(*) from (select * from spanlens.requests where provider = $1) x

--# DBeaver, through pgjdbc: its connection, its tree of objects, its editor of data.

--@ group: connection

SET extra_float_digits = 3

SET application_name = 'DBeaver 25.1.5 - Main <spanwire>'

SELECT current_schema(),session_user

--# The gateway's search path names its sources too.
--@ shape
SHOW search_path

--@ shape
SELECT version()

--@ only: nspname sources
--@ without: nspacl, description
--# The schemas of the mirror have no comments.
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON
    d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname

--@ bind: [["int4", 1034]]
SELECT n.nspname = ANY(current_schemas(true)), n.nspname, t.typname FROM pg_catalog.pg_type t JOIN
    pg_catalog.pg_namespace n ON t.typnamespace = n.oid WHERE t.oid = $1

--@ bind: [["int4", 1034]]
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM pg_catalog.pg_type LEFT
    JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join ( select s.r,
    (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) )
    as r using ( nspname ) ) as sp ON sp.nspoid = typnamespace WHERE pg_type.oid = $1 ORDER BY sp.r, pg_type.oid DESC

--@ bind: [["int4", 1034]]
SELECT e.typdelim FROM pg_catalog.pg_type t, pg_catalog.pg_type e WHERE t.oid = $1 and t.typelem = e.oid

--# The limits, the templates' age and the locale are each server's own.
--@ without: datdba, datfrozenxid, datminmxid, datcollate, datctype, datcollversion, datacl
--@ bind: [["varchar", "spanwire"]]
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname=$1

--@ bind: [["varchar", "standard_conforming_strings"]]
--@ without: source, sourcefile, sourceline, category
select * from pg_catalog.pg_settings where name=$1

--@ bind: [["text[]", "{a,abs,absolute,action,add,after,all,select,where,year,zone}"]]
select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL ($1)

select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL
    ('{a,abs,absolute,action,add,after,all,select,where,year,zone}'::text[])

--@ empty
SELECT * FROM pg_catalog.pg_enum WHERE 1<>1 LIMIT 1

--@ empty
SELECT reltype FROM pg_catalog.pg_class WHERE 1<>1 LIMIT 1

--@ empty
SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1

--# PostgreSQL's remarks on its own types are its own.
--@ without: description
--@ only: typname bool int8 text jsonb timestamptz _text
--@ bind: [["int8", 11]]
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM
    pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class
    c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL
    AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') AND
    t.typnamespace=$1

--@ bind: [["int8", 3802]]
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name FROM
    pg_catalog.pg_type t LEFT OUTER JOIN pg_class c ON c.oid=t.typrelid WHERE t.oid=$1

SET search_path = "$user","spanlens"

SELECT current_schema(),session_user

--@ group: tree: tables

--# Files, pages, statistics and transactions of the relations are the storage's.
--@ without: relfilenode, relpages, reltuples, relallvisible, reltoastrelid, relfrozenxid, relminmxid, reltablespace, relacl
--@ bind: [["int8", "@schema@"]]
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,
    pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN
    pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE
    c.relnamespace=$1 AND c.relkind not in ('i','I','c')

--@ without: relfilenode, relpages, reltuples, relallvisible, reltoastrelid, relfrozenxid, relminmxid, reltablespace, relacl
--@ bind: [["int8", "@schema@"], ["varchar", "requests"]]
SELECT c.oid,c.*,d.description,(select array_agg(i.inhparent) from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
    parents FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0
    WHERE c.relnamespace=$1 AND c.relkind not in ('i','c') AND relname=$2

--@ ordered
--@ bind: [["int8", "@requests@"]]
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM
    pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN
    pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN
    pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on
    dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
    WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid=$1 ORDER BY a.attnum

--@ bind: [["int8", "@trulayer@"]]
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description FROM
    pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN
    pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN
    pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) WHERE NOT a.attisdropped AND
    a.attnum > 0 AND c.relnamespace=$1 AND c.relkind not in ('i','c','t') ORDER BY a.attnum

--@ bind: [["int8", "@requests@"]]
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then
    "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy FROM pg_catalog.pg_constraint c INNER JOIN
    pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER
    JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE
    c.conrelid=$1 ORDER BY c.oid

--@ bind: [["int8", "@requests@"]]
--@ without: index_rel_size_pretty, index_num_scans
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as
    tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as
    pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr, pg_catalog.pg_relation_size(i.indexrelid)
    as index_rel_size_pretty,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM pg_catalog.pg_index
    i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
    LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE i.indrelid=$1 ORDER BY tc.relname,
    c.relname

--@ bind: [["int8", "@requests_key@"], ["int4", 1]]
select pg_catalog.pg_get_indexdef($1, $2, true)

--@ bind: [["int8", "@requests@"]]
--@ empty
SELECT x.oid,x.*,p.pronamespace as func_schema_id,d.description FROM pg_catalog.pg_trigger x LEFT OUTER JOIN
    pg_catalog.pg_proc p ON p.oid=x.tgfoid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND
    d.objsubid=0 WHERE x.tgrelid=$1 AND NOT x.tgisinternal

--@ bind: [["int8", "@requests@"]]
--@ empty
SELECT x.oid,x.* FROM pg_catalog.pg_rewrite x WHERE x.ev_class=$1

--@ bind: [["varchar", "spanlens"], ["varchar", "requests"]]
--@ empty
SELECT * FROM pg_catalog.pg_policies WHERE schemaname=$1 AND tablename=$2

--@ bind: [["varchar", "spanlens"], ["varchar", "requests"]]
--@ shape
SELECT * FROM information_schema.table_privileges WHERE table_schema=$1 AND table_name=$2

--@ bind: [["int8", "@requests@"]]
--@ empty
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhrelid=$1 AND
    c.oid=i.inhparent ORDER BY i.inhseqno

--@ bind: [["int8", "@traces@"]]
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace FROM pg_catalog.pg_constraint c INNER JOIN
    pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid WHERE
    c.contype='f' AND c.confrelid=$1

--@ bind: [["int8", "@requests@"]]
--@ shape
select pg_catalog.pg_table_size($1) as tab_size, pg_catalog.pg_relation_size($1) as rel_size,
    pg_catalog.pg_total_relation_size($1) as total_rel_size

--@ bind: [["int8", "@schema@"]]
--@ shape
SELECT c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid) as rel_size
    FROM pg_class c WHERE c.relnamespace=$1

--@ bind: [["int8", "@requests@"]]
--@ shape
SELECT DISTINCT dep.deptype, dep.classid, dep.objid, cl.relkind, attr.attname,pg_get_expr(ad.adbin, ad.adrelid)
    adefval, CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '') WHEN tg.oid IS
    NOT NULL THEN 'T'::text WHEN ty.oid IS NOT NULL THEN 'y'::text WHEN ns.oid IS NOT NULL THEN 'n'::text WHEN pr.oid
    IS NOT NULL THEN 'p'::text WHEN la.oid IS NOT NULL THEN 'l'::text WHEN rw.oid IS NOT NULL THEN 'R'::text WHEN
    co.oid IS NOT NULL THEN 'C'::text || contype::text WHEN ad.oid IS NOT NULL THEN 'A'::text ELSE '' END AS type,
    COALESCE(coc.relname, clrw.relname, tgr.relname) AS ownertable, CASE WHEN cl.relname IS NOT NULL AND att.attname
    IS NOT NULL THEN cl.relname || '.' || att.attname ELSE COALESCE(cl.relname, co.conname, pr.proname, tg.tgname,
    ty.typname, la.lanname, rw.rulename, ns.nspname) END AS refname, COALESCE(nsc.nspname, nso.nspname, nsp.nspname,
    nst.nspname, nsrw.nspname, tgrn.nspname) AS nspname FROM pg_depend dep LEFT JOIN pg_class cl ON dep.objid=cl.oid
    LEFT JOIN pg_attribute att ON dep.objid=att.attrelid AND dep.objsubid=att.attnum LEFT JOIN pg_namespace nsc ON
    cl.relnamespace=nsc.oid LEFT JOIN pg_proc pr ON dep.objid=pr.oid LEFT JOIN pg_namespace nsp ON
    pr.pronamespace=nsp.oid LEFT JOIN pg_trigger tg ON dep.objid=tg.oid LEFT JOIN pg_class tgr ON tg.tgrelid=tgr.oid
    LEFT JOIN pg_namespace tgrn ON tgr.relnamespace=tgrn.oid LEFT JOIN pg_type ty ON dep.objid=ty.oid LEFT JOIN
    pg_namespace nst ON ty.typnamespace=nst.oid LEFT JOIN pg_constraint co ON dep.objid=co.oid LEFT JOIN pg_class coc
    ON co.conrelid=coc.oid LEFT JOIN pg_namespace nso ON co.connamespace=nso.oid LEFT JOIN pg_rewrite rw ON
    dep.objid=rw.oid LEFT JOIN pg_class clrw ON clrw.oid=rw.ev_class LEFT JOIN pg_namespace nsrw ON
    clrw.relnamespace=nsrw.oid LEFT JOIN pg_language la ON dep.objid=la.oid LEFT JOIN pg_namespace ns ON
    dep.objid=ns.oid LEFT JOIN pg_attrdef ad ON ad.oid=dep.objid LEFT JOIN pg_attribute attr ON
    attr.attrelid=ad.adrelid and attr.attnum=ad.adnum WHERE dep.refobjid=$1 ORDER BY type

--@ group: tree: the rest

--@ shape
SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid =
    pd.objoid ORDER BY a.rolname

--@ ordered
SELECT am.oid,am.* FROM pg_catalog.pg_am am ORDER BY am.oid

--@ shape
SELECT c.contoencoding as encid,pg_catalog.pg_encoding_to_char(c.contoencoding) as encname FROM
    pg_catalog.pg_conversion c GROUP BY c.contoencoding ORDER BY 2

--@ shape
SELECT l.oid,l.* FROM pg_catalog.pg_language l ORDER BY l.oid

--@ empty
SELECT l.oid,l.*,p.pronamespace as handler_schema_id FROM pg_catalog.pg_foreign_data_wrapper l LEFT OUTER JOIN
    pg_catalog.pg_proc p ON p.oid=l.fdwhandler ORDER BY l.fdwname

--@ empty
SELECT l.oid,l.* FROM pg_catalog.pg_foreign_server l ORDER BY l.srvname

--@ shape
SELECT t.oid,t.*,pg_tablespace_location(t.oid) loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid

--@ shape
SELECT e.oid,e.*,n.nspname as schema_name,(array(select c.relname::text from pg_class c where c.oid =
    ANY(e.extconfig)))::text[] as tbls FROM pg_catalog.pg_extension e join pg_namespace n on n.oid =e.extnamespace
    ORDER BY e.oid

--@ shape
SELECT e.* FROM pg_catalog.pg_available_extensions e ORDER BY name

--@ empty
SELECT pet.*,pd.description FROM pg_catalog.pg_event_trigger pet LEFT OUTER JOIN pg_catalog.pg_description pd ON
    pet.oid = pd.objoid

--@ bind: [["int8", 11]]
--@ shape
SELECT c.oid,c.* FROM pg_catalog.pg_collation c WHERE c.collnamespace=$1 ORDER BY c.oid

--@ bind: [["int8", 11]]
--@ shape
SELECT oc.oid,oc.* FROM pg_catalog.pg_opclass oc WHERE oc.opcmethod=403 AND oc.opcnamespace=$1 ORDER BY oc.oid

--@ bind: [["int8", "@schema@"]]
--@ empty
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM
    pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0 WHERE
    p.pronamespace=$1 ORDER BY p.proname

--# The bodies, costs and remarks of built-in functions are PostgreSQL's own.
--@ only: proname upper
--@ bind: [["int8", 11]]
--@ without: proacl, prosrc, procost, description
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM
    pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0 WHERE
    p.pronamespace=$1 ORDER BY p.proname

--@ bind: [["int8", "@schema@"]]
--@ empty
SELECT t.oid,t.* FROM pg_catalog.pg_aggregate a,pg_catalog.pg_proc t WHERE t.oid=a.aggfnoid AND t.pronamespace=$1

--@ empty
SELECT x.* FROM pg_catalog.pg_sequences x WHERE x.schemaname='spanlens'

--@ shape
SELECT sa.* FROM pg_catalog.pg_stat_activity sa

--@ shape
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE NOT datistemplate AND datallowconn ORDER BY db.datname

--@ shape
SELECT l.*,d.datname FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_database d ON d.oid=l.database

--@ bind: [["varchar", "%req%"], ["int4", 100]]
SELECT pc.oid,pc.relname,pc.relnamespace,pc.relkind FROM pg_catalog.pg_class pc INNER JOIN pg_catalog.pg_namespace pns
    ON pns.oid=pc.relnamespace WHERE pc.relkind in('r','v','m','S','f') AND pc.relname ILIKE $1 AND pns.nspname IN
    ('spanlens','respan') ORDER BY pc.relname LIMIT $2

--@ group: data editor
--@ formats: text binary

--@ ordered
SELECT * FROM spanlens.requests ORDER BY created_at, id LIMIT 200

SELECT count(*) FROM spanlens.requests

--@ ordered
SELECT x.* FROM spanlens.requests x WHERE provider = 'groq' ORDER BY x.id DESC

--@ ordered
SELECT model, count(*) FROM spanlens.requests GROUP BY model ORDER BY count(*) DESC, model LIMIT 200

--@ bind: [["varchar", "@id@"]]
SELECT extra, created_at FROM spanlens.requests WHERE id=$1

--@ shape
EXPLAIN SELECT * FROM spanlens.requests

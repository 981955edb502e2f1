-- jdbc_tables
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME,  CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema'  WHEN true THEN CASE  WHEN n.nspname = 'pg_catalog' OR n.nspname = 'information_schema' THEN CASE c.relkind   WHEN 'r' THEN 'SYSTEM TABLE'   WHEN 'v' THEN 'SYSTEM VIEW'   WHEN 'i' THEN 'SYSTEM INDEX'   ELSE NULL   END  WHEN n.nspname = 'pg_toast' THEN CASE c.relkind   WHEN 'r' THEN 'SYSTEM TOAST TABLE'   WHEN 'i' THEN 'SYSTEM TOAST INDEX'   ELSE NULL   END  ELSE CASE c.relkind   WHEN 'r' THEN 'TEMPORARY TABLE'   WHEN 'p' THEN 'TEMPORARY TABLE'   WHEN 'i' THEN 'TEMPORARY INDEX'   WHEN 'S' THEN 'TEMPORARY SEQUENCE'   WHEN 'v' THEN 'TEMPORARY VIEW'   ELSE NULL   END  END  WHEN false THEN CASE c.relkind  WHEN 'r' THEN 'TABLE'  WHEN 'p' THEN 'PARTITIONED TABLE'  WHEN 'i' THEN 'INDEX'  WHEN 'P' then 'PARTITIONED INDEX'  WHEN 'S' THEN 'SEQUENCE'  WHEN 'v' THEN 'VIEW'  WHEN 'c' THEN 'TYPE'  WHEN 'f' THEN 'FOREIGN TABLE'  WHEN 'm' THEN 'MATERIALIZED VIEW'  ELSE NULL  END  ELSE NULL  END  AS TABLE_TYPE, d.description AS REMARKS,  '' as TYPE_CAT, '' as TYPE_SCHEM, '' as TYPE_NAME, '' AS SELF_REFERENCING_COL_NAME, '' AS REF_GENERATION  FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c  LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0  and d.classoid = 'pg_class'::regclass)  WHERE c.relnamespace = n.oid  AND n.nspname LIKE 'public' AND c.relname LIKE '%' AND (false  OR ( c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' )  OR ( c.relkind = 'v' AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' ) ) ORDER BY TABLE_TYPE,TABLE_SCHEM,TABLE_NAME

-- jdbc_columns
SELECT * FROM (SELECT n.nspname,c.relname,a.attname,a.atttypid,a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull,a.atttypmod,a.attlen,t.typtypmod,row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') as attidentity,nullif(a.attgenerated, '') as attgenerated,pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc,dsc.description,t.typbasetype,t.typtype  FROM pg_catalog.pg_namespace n  JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)  JOIN pg_catalog.pg_attribute a ON (a.attrelid=c.oid)  JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid)  LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid=def.adrelid AND a.attnum = def.adnum)  LEFT JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)  LEFT JOIN pg_catalog.pg_class dc ON (dc.oid=dsc.classoid AND dc.relname='pg_class')  LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace=dn.oid AND dn.nspname='pg_catalog')  WHERE c.relkind in ('r','p','v','f','m') and a.attnum > 0 AND NOT a.attisdropped  AND n.nspname LIKE 'public' AND c.relname LIKE 'requests') c WHERE true  AND attname LIKE '%' ORDER BY nspname,c.relname,attnum

-- jdbc_pk
SELECT        result.TABLE_CAT,        result.TABLE_SCHEM,        result.TABLE_NAME,        result.COLUMN_NAME,        result.KEY_SEQ,        result.PK_NAME FROM      (SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM,   ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME,   (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME,   information_schema._pg_expandarray(i.indkey) AS KEYS, a.attnum AS A_ATTNUM FROM pg_catalog.pg_class ct   JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)   JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)   JOIN pg_catalog.pg_index i ON ( a.attrelid = i.indrelid)   JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE true  AND n.nspname = 'public' AND ct.relname = 'requests' AND i.indisprimary ) result where  result.A_ATTNUM = (result.KEYS).x ORDER BY result.table_name, result.pk_name, result.key_seq

-- jdbc_fk
SELECT NULL::text AS PKTABLE_CAT, pkn.nspname AS PKTABLE_SCHEM, pkc.relname AS PKTABLE_NAME, pka.attname AS PKCOLUMN_NAME, NULL::text AS FKTABLE_CAT, fkn.nspname AS FKTABLE_SCHEM, fkc.relname AS FKTABLE_NAME, fka.attname AS FKCOLUMN_NAME, pos.n AS KEY_SEQ, CASE con.confupdtype  WHEN 'c' THEN 0 WHEN 'n' THEN 2 WHEN 'd' THEN 4 WHEN 'r' THEN 1 WHEN 'p' THEN 1 WHEN 'a' THEN 3 ELSE NULL END AS UPDATE_RULE, con.conname AS FK_NAME, pkic.relname AS PK_NAME FROM  pg_catalog.pg_namespace pkn, pg_catalog.pg_class pkc, pg_catalog.pg_attribute pka,  pg_catalog.pg_namespace fkn, pg_catalog.pg_class fkc, pg_catalog.pg_attribute fka,  pg_catalog.pg_constraint con,  pg_catalog.generate_series(1, 32) pos(n),  pg_catalog.pg_class pkic WHERE pkn.oid = pkc.relnamespace AND pkc.oid = pka.attrelid AND pka.attnum = con.confkey[pos.n] AND con.confrelid = pkc.oid  AND fkn.oid = fkc.relnamespace AND fkc.oid = fka.attrelid AND fka.attnum = con.conkey[pos.n] AND con.conrelid = fkc.oid  AND con.contype = 'f'  AND (pkic.relkind = 'i' OR pkic.relkind = 'I') AND pkic.oid = con.conindid AND fkn.nspname = 'public' ORDER BY pkn.nspname,pkc.relname, con.conname,pos.n

-- jdbc_index
SELECT     tmp.TABLE_CAT,     tmp.TABLE_SCHEM,     tmp.TABLE_NAME,     tmp.NON_UNIQUE,     tmp.INDEX_QUALIFIER,     tmp.INDEX_NAME,     tmp.TYPE,     tmp.ORDINAL_POSITION,     trim(both '"' from pg_catalog.pg_get_indexdef(tmp.CI_OID, tmp.ORDINAL_POSITION, false)) AS COLUMN_NAME,   CASE tmp.AM_NAME     WHEN 'btree' THEN CASE tmp.I_INDOPTION[tmp.ORDINAL_POSITION - 1] & 1::smallint       WHEN 1 THEN 'D'       ELSE 'A'     END     ELSE NULL   END AS ASC_OR_DESC,     tmp.CARDINALITY,     tmp.PAGES,     tmp.FILTER_CONDITION FROM (SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM,   ct.relname AS TABLE_NAME, NOT i.indisunique AS NON_UNIQUE,   NULL AS INDEX_QUALIFIER, ci.relname AS INDEX_NAME,   CASE i.indisclustered     WHEN true THEN 1    ELSE CASE am.amname       WHEN 'hash' THEN 2      ELSE 3    END   END AS TYPE,   (information_schema._pg_expandarray(i.indkey)).n AS ORDINAL_POSITION,   0.0::real AS CARDINALITY,   0 AS PAGES,   pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS FILTER_CONDITION,   ci.oid AS CI_OID,   i.indoption AS I_INDOPTION,   am.amname AS AM_NAME FROM pg_catalog.pg_class ct   JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)   JOIN pg_catalog.pg_index i ON (ct.oid = i.indrelid)   JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)   JOIN pg_catalog.pg_am am ON (ci.relam = am.oid) WHERE true  AND n.nspname = 'public' AND ct.relname = 'requests') AS tmp ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, ORDINAL_POSITION

-- jdbc_typeinfo
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid   FROM pg_catalog.pg_type   LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r           from pg_namespace as ns           join ( select s.r, (current_schemas(false))[s.r] as nspname                    from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) ) as r          using ( nspname )        ) as sp     ON sp.nspoid = typnamespace  WHERE pg_type.oid = 1009  ORDER BY sp.r, pg_type.oid DESC

-- jdbc_schemas
SELECT nspname AS TABLE_SCHEM, NULL AS TABLE_CATALOG FROM pg_catalog.pg_namespace  WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_'  OR nspname = (pg_catalog.current_schemas(true))[1]) AND (nspname !~ '^pg_toast_temp_'  OR nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_'))  ORDER BY TABLE_SCHEM

-- odbc_columns
select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, 0, attidentity, c.relhassubclass from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname like 'requests' and n.nspname like 'public') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid) inner join pg_catalog.pg_type t on t.oid = a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum order by n.nspname, c.relname, attnum

-- odbc_pk
select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic where tc.relname = 'requests' AND n.nspname = 'public' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid order by ia.attnum

-- odbc_tables
select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace order by nspname, relname

-- odbc_lo
select oid, typbasetype from pg_type where typname = 'lo'

-- metabase_tables
SELECT n.nspname AS schema, c.relname AS name, CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS type, d.description AS description, NULLIF(stat.n_live_tup, 0) AS estimated_row_count FROM pg_catalog.pg_class AS c INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid LEFT JOIN pg_catalog.pg_description AS d ON (c.oid = d.objoid) AND (d.objsubid = 0) AND (d.classoid = 'pg_class'::regclass) LEFT JOIN pg_stat_user_tables AS stat ON (n.nspname = stat.schemaname) AND (c.relname = stat.relname) WHERE ((c.relnamespace = n.oid) AND (n.nspname !~ '^pg_') AND (n.nspname <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND (n.nspname IN ('public'))) ORDER BY type ASC, schema ASC, name ASC

-- metabase_privileges
with table_privileges as (
	   select
	     NULL as role,
	     t.schemaname as schema,
	     t.objectname as table,
	     pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'select') as select
	   from (
	     select schemaname, tablename as objectname from pg_catalog.pg_tables
	     union
	     select schemaname, viewname as objectname from pg_catalog.pg_views
	     union
	     select schemaname, matviewname as objectname from pg_catalog.pg_matviews
	   ) t
	   where t.schemaname !~ '^pg_'
	     and t.schemaname <> 'information_schema'
	     and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')
	)
	select t.*
	from table_privileges t where t.select order by 2,3

-- metabase_fields
SELECT c.column_name AS name, c.udt_name AS "database-type", c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name", (pk.column_name IS NOT NULL) AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST(c.table_schema AS TEXT), CAST(c.table_name AS TEXT)) AS REGCLASS) AS OID), c.ordinal_position) AS "field-comment", ((column_default IS NULL OR LOWER(column_default) = 'null') AND (is_nullable = 'NO') AND NOT (((column_default IS NOT NULL) AND (column_default LIKE '%nextval(%')) OR (is_identity <> 'NO'))) AS "database-required", column_default AS "database-default" FROM information_schema.columns AS c LEFT JOIN (SELECT tc.table_schema, tc.table_name, kc.column_name FROM information_schema.table_constraints AS tc INNER JOIN information_schema.key_column_usage AS kc ON (tc.constraint_name = kc.constraint_name) AND (tc.table_schema = kc.table_schema) AND (tc.table_name = kc.table_name) WHERE tc.constraint_type = 'PRIMARY KEY') AS pk ON (c.table_schema = pk.table_schema) AND (c.table_name = pk.table_name) AND (c.column_name = pk.column_name) WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND (c.table_schema IN ('public')) UNION ALL SELECT pa.attname AS name, pt.typname AS "database-type", pa.attnum - 1 AS "database-position", pn.nspname AS "table-schema", pc.relname AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", NULL AS "database-default" FROM pg_catalog.pg_class AS pc INNER JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace INNER JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = pc.oid INNER JOIN pg_catalog.pg_type AS pt ON pt.oid = pa.atttypid WHERE pc.relkind = 'm' AND pa.attnum >= 1 ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC

-- metabase_fks
SELECT fk_ns.nspname AS "fk-table-schema", fk_table.relname AS "fk-table-name", fk_column.attname AS "fk-column-name", pk_ns.nspname AS "pk-table-schema" FROM pg_constraint AS c INNER JOIN pg_class AS fk_table ON c.conrelid = fk_table.oid INNER JOIN pg_namespace AS fk_ns ON c.connamespace = fk_ns.oid INNER JOIN pg_attribute AS fk_column ON c.conrelid = fk_column.attrelid INNER JOIN pg_class AS pk_table ON c.confrelid = pk_table.oid INNER JOIN pg_namespace AS pk_ns ON pk_table.relnamespace = pk_ns.oid INNER JOIN pg_attribute AS pk_column ON c.confrelid = pk_column.attrelid WHERE fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND c.contype = 'f'::char AND fk_column.attnum = ANY(c.conkey) AND pk_column.attnum = ANY(c.confkey) ORDER BY 1,2

-- metabase_idx
SELECT tmp.table_schema as "table-schema", tmp.table_name, trim(BOTH '"' FROM pg_catalog.pg_get_indexdef(tmp.ci_oid, tmp.pos, false)) AS "field-name" FROM (SELECT n.nspname AS table_schema, ct.relname AS table_name, ci.oid AS ci_oid, (information_schema._pg_expandarray(i.indkey)).n AS pos FROM pg_catalog.pg_class AS ct INNER JOIN pg_catalog.pg_namespace AS n ON ct.relnamespace = n.oid INNER JOIN pg_catalog.pg_index AS i ON ct.oid = i.indrelid INNER JOIN pg_catalog.pg_class AS ci ON ci.oid = i.indexrelid WHERE pg_catalog.pg_get_expr(i.indpred, i.indrelid) IS NULL AND n.nspname !~ '^information_schema|catalog_history|pg_') AS tmp WHERE tmp.pos = 1 order by 1,2

-- sqla_tables
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p']) AND pg_catalog.pg_class.relpersistence != 't' AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog' ORDER BY 1

-- sqla_columns
SELECT pg_catalog.pg_attribute.attname AS name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) AS format_type, (SELECT pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) AS pg_get_expr_1 FROM pg_catalog.pg_attrdef WHERE pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum AND pg_catalog.pg_attribute.atthasdef) AS "default", pg_catalog.pg_attribute.attnotnull AS not_null, pg_catalog.pg_class.relname AS table_name, pg_catalog.pg_description.description AS comment, pg_catalog.pg_attribute.attgenerated AS generated, (SELECT json_build_object('always', pg_catalog.pg_attribute.attidentity = 'a', 'start', pg_catalog.pg_sequence.seqstart, 'increment', pg_catalog.pg_sequence.seqincrement) AS json_build_object_1 FROM pg_catalog.pg_sequence WHERE pg_catalog.pg_attribute.attidentity != '' AND pg_catalog.pg_sequence.seqrelid = CAST(CAST(pg_catalog.pg_get_serial_sequence(CAST(CAST(pg_catalog.pg_attribute.attrelid AS REGCLASS) AS TEXT), pg_catalog.pg_attribute.attname) AS REGCLASS) AS OID)) AS identity_options FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute ON pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attribute.attnum > 0 AND NOT pg_catalog.pg_attribute.attisdropped LEFT OUTER JOIN pg_catalog.pg_description ON pg_catalog.pg_description.objoid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_description.objsubid = pg_catalog.pg_attribute.attnum JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog' AND pg_catalog.pg_class.relname IN ('requests') ORDER BY pg_catalog.pg_class.relname, pg_catalog.pg_attribute.attnum

-- sqla_pk
SELECT attr.conrelid, array_agg(CAST(attr.attname AS TEXT) ORDER BY attr.ord) AS cols, attr.conname, min(attr.description) AS description FROM (SELECT con.conrelid AS conrelid, con.conname AS conname, con.conindid AS conindid, con.description AS description, con.ord AS ord, pg_catalog.pg_attribute.attname AS attname FROM pg_catalog.pg_attribute JOIN (SELECT pg_catalog.pg_constraint.conrelid AS conrelid, pg_catalog.pg_constraint.conname AS conname, pg_catalog.pg_constraint.conindid AS conindid, unnest(pg_catalog.pg_constraint.conkey) AS attnum, generate_subscripts(pg_catalog.pg_constraint.conkey, 1) AS ord, pg_catalog.pg_description.description AS description FROM pg_catalog.pg_constraint LEFT OUTER JOIN pg_catalog.pg_description ON pg_catalog.pg_description.objoid = pg_catalog.pg_constraint.oid WHERE pg_catalog.pg_constraint.contype = 'p' AND pg_catalog.pg_constraint.conrelid IN (16386)) AS con ON pg_catalog.pg_attribute.attnum = con.attnum AND pg_catalog.pg_attribute.attrelid = con.conrelid) AS attr GROUP BY attr.conrelid, attr.conname ORDER BY attr.conrelid, attr.conname

-- sqla_old_columns
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT, a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON ( pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum) WHERE a.attrelid = 16386 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

-- grafana_tables
SELECT CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s) THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema','pg_catalog','_timescaledb_cache','timescaledb_information') ORDER BY CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s) THEN 0 ELSE 1 END, 1

-- grafana_columns
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE CASE WHEN array_length(parse_ident('requests'),1) = 2 THEN quote_ident(table_schema) = (parse_ident('requests'))[1] AND quote_ident(table_name) = (parse_ident('requests'))[2] ELSE quote_ident(table_name) = 'requests' AND quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s) END

-- grafana_version
SELECT current_setting('server_version_num')::int/100 as version

-- redash
SELECT s.nspname as table_schema, c.relname as table_name, a.attname as column_name, null as data_type FROM pg_class c JOIN pg_namespace s ON c.relnamespace = s.oid AND s.nspname NOT IN ('pg_catalog', 'information_schema') JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind = 'm' AND has_table_privilege(quote_ident(s.nspname) || '.' || quote_ident(c.relname), 'select') AND has_schema_privilege(s.nspname, 'usage') UNION SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'select') AND has_schema_privilege(table_schema, 'usage') order by 1,2,3

-- npgsql_types
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM ( SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid, elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind, CASE WHEN elemproc.proname='array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype FROM ( SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid, CASE WHEN proc.proname='array_recv' THEN 'a' ELSE typ.typtype END AS typtype, CASE WHEN proc.proname='array_recv' THEN typ.typelem WHEN typ.typtype='r' THEN rngsubtype WHEN typ.typtype='m' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid) WHEN typ.typtype='d' THEN typ.typbasetype END AS elemtypoid FROM pg_type AS typ LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid) LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid) ) AS typ LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid LEFT JOIN pg_class AS elemcls ON (elemcls.oid = elemtyp.typrelid) LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive ) AS t JOIN pg_namespace AS ns ON (ns.oid = typnamespace) WHERE nspname = 'pg_catalog' and (typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind='c') OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown')) OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND elemtypname IN ('record', 'void')) OR (elemtyptype = 'c' AND elemrelkind='c')))) ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'r' THEN 1 WHEN typtype = 'm' THEN 2 WHEN typtype = 'c' THEN 3 WHEN typtype = 'd' AND elemtyptype <> 'a' THEN 4 WHEN typtype = 'a' THEN 5 WHEN typtype = 'd' AND elemtyptype = 'a' THEN 6 END, t.oid

-- postgresjs
select b.oid, b.typarray from pg_catalog.pg_type a left join pg_catalog.pg_type b on b.oid = a.typelem where a.typcategory = 'A' and b.oid < 16384 and a.oid < 12000 group by b.oid, b.typarray order by b.oid

-- asyncpg
WITH RECURSIVE typeinfo_tree(oid, ns, name, kind, basetype, elemtype, elemdelim, range_subtype, attrtypoids, attrnames, depth) AS ( SELECT ti.oid, ti.ns, ti.name, ti.kind, ti.basetype, ti.elemtype, ti.elemdelim, ti.range_subtype, ti.attrtypoids, ti.attrnames, 0 FROM ( SELECT t.oid AS oid, ns.nspname AS ns, t.typname AS name, t.typtype AS kind, (CASE WHEN t.typtype = 'd' THEN (WITH RECURSIVE typebases(oid, depth) AS ( SELECT t2.typbasetype AS oid, 0 AS depth FROM pg_type t2 WHERE t2.oid = t.oid UNION ALL SELECT t2.typbasetype AS oid, tb.depth + 1 AS depth FROM pg_type t2, typebases tb WHERE tb.oid = t2.oid AND t2.typbasetype != 0 ) SELECT oid FROM typebases ORDER BY depth DESC LIMIT 1) ELSE NULL END) AS basetype, t.typelem AS elemtype, elem_t.typdelim AS elemdelim, range_t.rngsubtype AS range_subtype, (CASE WHEN t.typtype = 'c' THEN (SELECT array_agg(ia.atttypid ORDER BY ia.attnum) FROM pg_attribute ia INNER JOIN pg_class c ON (ia.attrelid = c.oid) WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid) ELSE NULL END) AS attrtypoids, (CASE WHEN t.typtype = 'c' THEN (SELECT array_agg(ia.attname::text ORDER BY ia.attnum) FROM pg_attribute ia INNER JOIN pg_class c ON (ia.attrelid = c.oid) WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid) ELSE NULL END) AS attrnames FROM pg_catalog.pg_type AS t INNER JOIN pg_catalog.pg_namespace ns ON (ns.oid = t.typnamespace) LEFT JOIN pg_type elem_t ON (t.typlen = -1 AND t.typelem != 0 AND t.typelem = elem_t.oid) LEFT JOIN pg_range range_t ON (t.oid = range_t.rngtypid) ) AS ti WHERE ti.oid = any(ARRAY[1009, 3904]::oid[]) UNION ALL SELECT ti.oid, ti.ns, ti.name, ti.kind, ti.basetype, ti.elemtype, ti.elemdelim, ti.range_subtype, ti.attrtypoids, ti.attrnames, tt.depth + 1 FROM ( SELECT t.oid AS oid, ns.nspname AS ns, t.typname AS name, t.typtype AS kind, NULL::oid AS basetype, t.typelem AS elemtype, elem_t.typdelim AS elemdelim, range_t.rngsubtype AS range_subtype, NULL::oid[] AS attrtypoids, NULL::text[] AS attrnames FROM pg_catalog.pg_type AS t INNER JOIN pg_catalog.pg_namespace ns ON (ns.oid = t.typnamespace) LEFT JOIN pg_type elem_t ON (t.typlen = -1 AND t.typelem != 0 AND t.typelem = elem_t.oid) LEFT JOIN pg_range range_t ON (t.oid = range_t.rngtypid) ) ti, typeinfo_tree tt WHERE (tt.elemtype IS NOT NULL AND ti.oid = tt.elemtype) OR (tt.attrtypoids IS NOT NULL AND ti.oid = any(tt.attrtypoids)) OR (tt.range_subtype IS NOT NULL AND ti.oid = tt.range_subtype) ) SELECT DISTINCT *, basetype::regtype::text AS basetype_name, elemtype::regtype::text AS elemtype_name, range_subtype::regtype::text AS range_subtype_name FROM typeinfo_tree ORDER BY depth DESC, oid

-- dbeaver_att
SELECT c.relname,a.attname,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid=16386 ORDER BY a.attnum

-- dbeaver_con
SELECT c.conname, c.contype, t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, pg_catalog.pg_get_constraintdef(c.oid) as consrc_copy FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE c.conrelid=16386 ORDER BY c.oid

-- dbeaver_types
SELECT t.typname,t.typcategory,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description is null as nodesc FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid AND d.objsubid < 0 WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') ORDER BY t.oid

-- pgcli_columns
SELECT nsp.nspname schema_name, cls.relname table_name, att.attname column_name, att.atttypid::regtype::text type_name, att.atthasdef AS has_default, pg_catalog.pg_get_expr(def.adbin, def.adrelid, true) as default FROM pg_catalog.pg_attribute att INNER JOIN pg_catalog.pg_class cls ON att.attrelid = cls.oid INNER JOIN pg_catalog.pg_namespace nsp ON cls.relnamespace = nsp.oid LEFT OUTER JOIN pg_attrdef def ON def.adrelid = att.attrelid AND def.adnum = att.attnum WHERE cls.relkind = ANY(ARRAY['r','v','m']) AND NOT att.attisdropped AND att.attnum > 0 and nsp.nspname = 'public' ORDER BY 1, 2, att.attnum

-- pgcli_fk
SELECT s_p.nspname AS parentschema, t_p.relname AS parenttable, unnest(( select array_agg(attname ORDER BY i) from (select unnest(confkey) as attnum, generate_subscripts(confkey, 1) as i) x JOIN pg_catalog.pg_attribute c USING(attnum) WHERE c.attrelid = fk.confrelid )) AS parentcolumn FROM pg_catalog.pg_constraint fk JOIN pg_catalog.pg_class t_p ON t_p.oid = fk.confrelid JOIN pg_catalog.pg_namespace s_p ON s_p.oid = t_p.relnamespace WHERE fk.contype = 'f'

-- pgadmin_db
SELECT db.oid as did, db.datname, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding, has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate FROM pg_catalog.pg_database db WHERE db.datname = current_database()

-- pgadmin_roles
SELECT r.oid > 0 as id, r.rolname as name, r.rolsuper as is_superuser, ARRAY(WITH RECURSIVE cte AS ( SELECT pg_roles.oid,pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = r.oid UNION ALL SELECT m.roleid, pgr.rolname FROM cte cte_1 JOIN pg_auth_members m ON m.member = cte_1.oid JOIN pg_roles pgr ON pgr.oid = m.roleid) SELECT rolname FROM cte) rolname FROM pg_catalog.pg_roles as r WHERE r.rolname = 'metabase'

-- powerbi_cols
select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE from INFORMATION_SCHEMA.columns where TABLE_SCHEMA = 'public' and TABLE_NAME = 'requests' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION

-- powerbi_keys
select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION, case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME where i.TABLE_SCHEMA = 'public' and i.TABLE_NAME = 'requests' and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE') order by i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME, ii.TABLE_SCHEMA, ii.TABLE_NAME, ii.ORDINAL_POSITION

-- is_columns
select * from information_schema.columns where table_schema='public' order by table_name, ordinal_position

-- is_columns_sys
select table_schema, table_name, column_name, data_type, udt_name, domain_name, is_nullable, numeric_precision from information_schema.columns where table_schema='pg_catalog' and table_name < 'pg_e' order by table_name, ordinal_position

-- is_tables
select * from information_schema.tables where table_schema not in ('pg_catalog','information_schema') order by table_schema,table_name

-- is_schemata
select schema_name from information_schema.schemata where schema_name not like 'pg_toast%' order by 1

-- is_kcu
select * from information_schema.key_column_usage order by 1,2,3

-- is_tc
select constraint_catalog,constraint_schema, table_name, constraint_type, enforced from information_schema.table_constraints where table_schema in ('public','spanlens') and constraint_type='PRIMARY KEY' order by 1,2,3

-- is_views
select table_name, view_definition is null, is_updatable from information_schema.views where table_schema = 'spanwire'

-- is_rc
select * from information_schema.referential_constraints

-- is_cs
select * from information_schema.character_sets

-- is_coll
select count(*)>1 from information_schema.collations

-- is_ccu
select * from information_schema.constraint_column_usage order by 1,2,3,4

-- names1
select 1, 'a', null, true, 1::text, 'x'::name, now() is null, count(*), max(relname::text), case when true then 1 end, case when true then 'r' else relkind end, coalesce(1,2), array[1], (select 5 as foo), exists(select 1), current_user is null, -1, 1+1, relkind::text from pg_class where relname='pg_class' group by relkind

-- names2
select c.oid, c.*, c.relname::text::varchar, (c.oid::regclass)::text, trim('x'), substring('abc',2), position('b' in 'abc'), cast('5' as integer), '5'::int4, interval '1 day', (array[1,2])[1], (current_schemas(true))[1], nullif(1,2), greatest(1,2), date '2020-01-01' from pg_class c where false

-- typ1
select pg_typeof(1), pg_typeof(1.5), pg_typeof('a'), pg_typeof('a'::name), pg_typeof(array[1]), pg_typeof(c.oid), pg_typeof(relkind), pg_typeof(1::bigint+1), pg_typeof(relname||'x'), pg_typeof(now()), pg_typeof(null), pg_typeof(1+1.5), pg_typeof(sum(1)), pg_typeof(count(*)), pg_typeof(c.oid::regclass) from pg_class c where relname='pg_class' group by c.oid, relkind, relname

-- null3
select null and false, null or true, not null::bool, 1 in (2,null), 1 not in (2,null), null is distinct from 1, 1 = any(array[2,null]), 1 <> all(array[2,3]), 3 between 1 and null, null::text || 'a', coalesce(null, 'x')

-- arr
select array[1,2]||3, array['a']||'{b,c}', '{1,2,3}'::int[], ('{1,2,3}'::int[])[2:3], array_to_string(array['a',null,'c'],',','-'), string_to_array('a,b,c',','), array_length(array[1,2],1), array_upper('1 2 3'::int2vector,1), array_lower('1 2 3'::int2vector,1), ('1 2 3'::int2vector)[0], cardinality(array[]::text[]), '{"a b",NULL,"null",""}'::text[]

-- txt
select 'abc' ~ '^a', 'ABC' ~* 'b', 'abc' !~ 'z', 'a_c' like 'a\_c', 'abc' ilike 'A%', 'a%c' like 'a!%c' escape '!', split_part('a.b.c','.',2), regexp_replace('foobar','o+','0'), concat('a',1,null,true), format('%I.%L-%s','A b','x''y',3), left('abc',-1), right('abc',2), quote_ident('Select'), quote_ident('select'), quote_literal('a''b'), upper('a')||lower('B'), lpad('1',3,'0'), starts_with('abc','ab'), strpos('abc','c'), replace('aXb','X','y'), btrim('  a '), reverse('abc'), initcap('hi there'), translate('abc','ab','x')

-- sets
select * from generate_series(1,3) g(i), lateral (select i*2 as d) x union all select 9, 9 order by 1

-- unn
select * from unnest(array['a','b']) with ordinality u(x,n) order by n desc

-- unn2
select unnest(array[1,2,3]) as a, unnest(array['x','y']) as b, generate_series(5,6)

-- rec
with recursive t(n) as (values (1) union all select n+1 from t where n < 5) select sum(n), array_agg(n order by n desc), string_agg(n::text, '-' order by n), count(distinct n%2), bool_or(n>4), min(n), max(n) from t

-- setop
select 1 as a union select 1 union all select 2 except select 3 order by a

-- setop2
select null as x, 'a' as y union select 'q', null union all select null, null intersect select null, null order by 1,2

-- dist
select distinct relkind from pg_class where relkind in ('r','v') order by relkind desc limit 1 offset 1

-- full
select * from (values (1,'a'),(2,'b')) a(id,x) full join (values (2,'B'),(3,'C')) b(id,y) using (id) order by id

-- right
select a.id, b.id from (values (1),(2)) a(id) right join (values (2),(3)) b(id) on a.id=b.id and b.id < 3 order by 2

-- nat
select * from (values (1,'a'),(2,'b')) a(id,x) natural join (values (2,'B'),(3,'C')) b(id,y)

-- having
select relnamespace::regnamespace, relkind, count(*) from pg_class where relnamespace = 'public'::regnamespace group by 1,2 having count(*) > 0 order by 3 desc, 2

-- err1
select * from nosuch

-- err2
select nosuch from pg_class

-- err3
select c.nosuch from pg_class c

-- err4
select nosuch(1, 'a', relname) from pg_class

-- err5
select oid from pg_class c, pg_type t

-- err6
select relname = 1 from pg_class

-- err7
select 'nosuch'::regclass

-- err8
select relname, count(*) from pg_class

-- err9
select x.* from pg_class

-- err10
select (select oid from pg_class) 

-- err11
select 1/0

-- err12
select 'a'::int

-- err13
select * from pg_class where relname

-- err14
select current_setting('no.such')

-- err15
select * from nosuch.t

-- err16
select 'x'::nosuchtype

-- err17
select max(count(*)) from pg_class

-- priv
select has_table_privilege('pg_class','select'), has_table_privilege('metabase','pg_class','INSERT'), has_table_privilege('pg_class'::regclass,'SELECT, INSERT'), has_schema_privilege('public','usage'), has_schema_privilege('pg_catalog','CREATE'), has_database_privilege(current_database(),'CONNECT'), has_any_column_privilege('pg_class','select'), has_column_privilege('pg_class','relname','select')

-- misc
select current_database(), current_schema(), current_schemas(false), current_schemas(true), pg_size_pretty(10240::bigint), pg_size_pretty(123456789::bigint), pg_encoding_to_char(6), format_type(1043,259), format_type(1700,655366), format_type(1184,null), format_type(1009,-1), format_type(0,-1), format_type(99999,-1), obj_description('pg_catalog'::regnamespace,'pg_namespace'), to_regclass('nosuch'), to_regtype('int4'), to_regclass('public.requests'), 'int[]'::regtype, 'character varying'::regtype::oid, 'now'::regproc, 'information_schema.tables'::regclass

-- misc2
select pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid,1,true) from pg_index where indrelid='requests'::regclass

-- misc3
select c.relname, (select count(*) from pg_attribute a where a.attrelid=c.oid and a.attnum>0) n, array(select attname from pg_attribute a where a.attrelid=c.oid and attnum>0 order by attnum)::text[] cols from pg_class c where relnamespace='public'::regnamespace and relkind='r' order by 1

-- misc4
select tableoid::regclass, relname from pg_class where relname in ('pg_class','requests') and relkind='r' and exists (select from pg_namespace n where n.oid=relnamespace and nspname in ('public','pg_catalog')) order by 2

-- misc5
select i.indkey, i.indclass, i.indoption, i.indkey[0], array_to_string(i.indkey::int2[], ',') from pg_index i where indrelid = 'requests'::regclass

-- misc6
select relname from pg_class where oid = '1259' or relname::text = any('{pg_type,pg_proc}') order by relname collate "C"

-- misc7
select t.typname, t.typinput, t.typreceive::text, t.typelem::regtype, t.typarray::regtype, typsend = 'textsend'::regproc from pg_type t where oid in (16,25,1009,22) order by oid

-- misc8
select n.nspname, c.relname from pg_class c join pg_namespace n on c.relnamespace=n.oid where (n.nspname, c.relname) in (('public','requests'),('spanlens','requests')) order by 1

-- misc9
select a.attname, a.attnum, row_number() over (order by a.attname), rank() over (partition by a.attnotnull order by a.atttypid) from pg_attribute a where attrelid='requests'::regclass and attnum>0 order by a.attnum fetch first 3 rows only

-- misc10
select proname, pg_get_function_result(oid), pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid) from pg_proc where proname in ('version','format_type','pg_get_keywords') order by 1,2

-- misc11
select '2024-02-29 10:00:00+02'::timestamptz, '2024-02-29'::date + 1, '2024-03-31'::timestamp + interval '1 month', timestamptz '2024-01-01' - timestamptz '2023-12-30 12:00', interval '90 minutes', 1.5::float8, 1e20::float8, 1e-7::float8, 10/4, 10/4.0::float8, 7 % 3, -7/2, 5::numeric

-- misc12
select r.rolname, r.rolcanlogin, u.usename is not null as u from pg_roles r left join pg_user u on u.usesysid=r.oid where rolname in ('postgres','metabase') order by 1

-- misc13
select a.attrelid::regclass, attname from pg_attribute a where a.attrelid in (select c.oid from pg_class c where c.relnamespace = (select oid from pg_namespace where nspname='spanlens') and c.relkind='r') and attnum > 0 order by attnum

-- misc14
select count(*) from pg_attribute a join pg_class c on c.oid=a.attrelid join pg_namespace n on n.oid=c.relnamespace join pg_type t on t.oid=a.atttypid left join pg_attrdef d on d.adrelid=a.attrelid and d.adnum=a.attnum where n.nspname='pg_catalog' and c.relkind in ('r','v')

-- misc15
select x, y from (select 1 as x) a cross join (select 2 as y) b where (x,y) = (1,2) and not (x is null) and x::text similar to '1'

-- tabcomp
SELECT pg_catalog.quote_ident(c.relname) FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND substring(pg_catalog.quote_ident(c.relname),1,3)='req' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog') UNION SELECT pg_catalog.quote_ident(n.nspname) || '.' FROM pg_catalog.pg_namespace n WHERE substring(pg_catalog.quote_ident(n.nspname) || '.',1,3)='req' AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE substring(pg_catalog.quote_ident(nspname) || '.',1,3) = substring('req',1,pg_catalog.length(pg_catalog.quote_ident(nspname))+1)) > 1 LIMIT 1000

-- tabcomp15
SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r','S','v','m','f','p') AND (c.relname) LIKE 're%' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog') UNION ALL SELECT NULL::pg_catalog.text, n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname LIKE 're%' AND n.nspname NOT LIKE E'pg\\_%' LIMIT 1000

-- don
select distinct on (relkind) relkind, relname from pg_class where relname like 'pg_a%' and relkind in ('r','v') order by relkind, relname desc

-- mixed1
select datname, pg_catalog.pg_get_userbyid(datdba), has_database_privilege(datname,'connect') from pg_database where datname = current_catalog

-- mixed2
select x.oid is not null, x.* from pg_catalog.pg_am x order by amname limit 2

-- mixed3
select a.attname from pg_attribute a where attrelid = (select max(c.oid::int8) from pg_class c where c.relname='requests' and c.relnamespace='public'::regnamespace) and exists (select 1 from pg_type t where t.oid=a.atttypid and t.typname = 'text' and a.attnum > 0) order by attnum

-- mixed4
select t.relname, x.attname from pg_class t left join lateral (select attname from pg_attribute where attrelid=t.oid and attnum > 0 order by attnum desc limit 1) x on true where t.relnamespace='public'::regnamespace order by 1

-- mixed5
with a as (select oid, relname from pg_class where relnamespace='public'::regnamespace and relkind='r'), b(o, n) as (select attrelid, count(*) from pg_attribute where attnum>0 group by attrelid) select relname, n from a join b on b.o=a.oid order by 1

-- mixed6
select array(select array_agg(relname::text order by relname) from pg_class where relnamespace='public'::regnamespace)

-- mixed7
select t.* from pg_catalog.pg_type t where t.typname='jsonb'

-- mixed8
select * from pg_class where oid = 'pg_namespace'::regclass

-- mixed9
select * from pg_attribute where attrelid = 'pg_namespace'::regclass order by attnum

-- mixed10
select c.relname, i.* from pg_index i join pg_class c on c.oid=i.indexrelid where c.relname = 'requests_pkey' and 1=2

-- mixed11
select schemaname, tablename, tableowner, hasindexes from pg_tables where schemaname in ('public','spanlens') order by 1,2

-- mixed12
select schemaname, indexname, indexdef from pg_indexes where schemaname in ('public','spanlens') order by 1,2

-- mixed13
select relname, seq_scan >= 0 as s, n_live_tup from pg_stat_user_tables order by 1, relid

-- mixed14
SELECT string_agg(a.attname, ', ' ORDER BY a.attnum DESC) FILTER (WHERE a.attnotnull), count(*) FILTER (WHERE NOT attnotnull), avg(attnum) > 2 FROM pg_attribute a WHERE attrelid = 'requests'::regclass AND attnum > 0

-- mixed15
select sum(count(*)) over (), relkind, count(*) from pg_class where relname ~ '^pg_a' and relkind in ('r','v') group by relkind order by 2

-- mixed16
select current_user = user, session_user is not null, pg_backend_pid() > 0, pg_is_in_recovery(), pg_my_temp_schema(), version() like 'PostgreSQL 15%', now() = current_timestamp, inet_server_addr() is null, current_role is not null

-- mixed17
select 'a' || 1, 1 || 'a', 'x'::name || 'y', '{1}'::int[] || 2, relname || '.' || oid from pg_class where oid=1259

-- mixed18
select c.relname, c.reltuples, c.relpages, c.relfrozenxid is null, c.relacl, c.reloptions from pg_class c where c.relname='pg_tables'

-- mixed19
select x from (values ('b'),('a'),(null)) v(x) order by x nulls first

-- mixed20
select x from (values ('b'),('a'),(null)) v(x) order by x desc

-- mixed21
select lower(relname) l from pg_class where relname in ('pg_class','pg_type') group by lower(relname) order by lower(relname) desc

-- mixed22
select nspname from pg_namespace where nspname !~ '^pg_(toast|temp)' and nspname <> all('{information_schema}') and nspname not like 'span%' order by nspname

-- mixed23
select p.proname, p.proargtypes, l.lanname from pg_proc p join pg_language l on l.oid=p.prolang where p.oid in (89, 1081) order by 1

-- mixed24
select castsource::regtype, casttarget::regtype, castcontext from pg_cast where castsource = 'int4'::regtype order by casttarget

-- mixed25
select conname, conkey, pg_get_constraintdef(oid), conrelid::regclass, confrelid::regclass, contype from pg_constraint where conrelid::regclass::text in ('requests','spanlens.requests') order by conname, conrelid::regclass::text

-- mixed26
select d.refobjid::regclass, d.deptype from pg_depend d where d.classid='pg_class'::regclass and d.objid = 'requests_pkey'::regclass and false

-- mixed27
select has_table_privilege('nosuch','select')

-- mixed28
select enumlabel from pg_enum e join pg_type t on t.oid=e.enumtypid order by enumsortorder

-- mixed29
select word, catcode from pg_get_keywords() where catcode='R' and word in ('select','table','user') order by 1

-- mixed30
select (select relname from pg_class where oid=1259), (select 1 where false), exists(select 1 where false), 5 in (select generate_series(1,5)), 5 not in (select 1), (1,2) in (select 1,2)

-- mixed31
select oid from pg_class where relname = 'pg_class' and 1 in (select 1) union select 1260 order by oid

-- mixed32
select 1 as a, 2 as a order by 1 limit (select 1)

-- mixed33
select * from (select 1 as a) x, (select 2 as b) y where a < b and b = 1 + a

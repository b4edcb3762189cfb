SELECT 'pg_ts_dict' AS class, d.oid::int8 AS oid, m.schema, d.dictname AS name, m.owner_name AS owner,
       (SELECT pg_catalog.format('%I.%I', n.nspname, t.tmplname) FROM pg_catalog.pg_ts_template t
        JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace WHERE t.oid = d.dicttemplate) AS base,
       d.dictinitoption AS options, NULL::json AS mappings
FROM pg_catalog.pg_ts_dict d JOIN mine m ON m.ns = d.dictnamespace AND m.owner = d.dictowner
WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND e.objid = d.oid)
UNION ALL
SELECT 'pg_ts_config', c.oid::int8, m.schema, c.cfgname, m.owner_name,
       (SELECT pg_catalog.format('%I.%I', n.nspname, p.prsname) FROM pg_catalog.pg_ts_parser p
        JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid = c.cfgparser),
       NULL,
       (SELECT pg_catalog.json_agg(x ORDER BY x.tokid) FROM (
          SELECT k.maptokentype AS tokid,
                 (SELECT t.alias FROM pg_catalog.ts_token_type(c.cfgparser) t WHERE t.tokid = k.maptokentype) AS token,
                 pg_catalog.json_agg(pg_catalog.format('%I.%I', dn.nspname, dd.dictname) ORDER BY k.mapseqno) AS dictionaries
          FROM pg_catalog.pg_ts_config_map k JOIN pg_catalog.pg_ts_dict dd ON dd.oid = k.mapdict
          JOIN pg_catalog.pg_namespace dn ON dn.oid = dd.dictnamespace
          WHERE k.mapcfg = c.oid GROUP BY k.maptokentype) x)
FROM pg_catalog.pg_ts_config c JOIN mine m ON m.ns = c.cfgnamespace AND m.owner = c.cfgowner
WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND e.objid = c.oid)
ORDER BY 1, 3, 4

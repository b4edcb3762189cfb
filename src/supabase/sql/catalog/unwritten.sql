-- Seen, and beyond what a role without superuser can make again.
SELECT x.subject, x.reason FROM (
  SELECT pg_catalog.format('type %I.%I', t.schema, t.typname) AS subject,
         'a base type is made of C functions, which only a superuser can declare' AS reason
  FROM typ t WHERE t.typtype = 'b' AND t.typelem = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
  UNION ALL
  SELECT pg_catalog.format('operator class %I.%I', m.schema, o.opcname), 'only a superuser can make operator classes'
  FROM pg_catalog.pg_opclass o JOIN mine m ON m.ns = o.opcnamespace AND m.owner = o.opcowner
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND e.objid = o.oid)
  UNION ALL
  SELECT pg_catalog.format('operator family %I.%I', m.schema, o.opfname), 'only a superuser can make operator families'
  FROM pg_catalog.pg_opfamily o JOIN mine m ON m.ns = o.opfnamespace AND m.owner = o.opfowner
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND e.objid = o.oid)
  UNION ALL
  SELECT pg_catalog.format('conversion %I.%I', m.schema, c.conname), 'conversions between encodings are not written'
  FROM pg_catalog.pg_conversion c JOIN mine m ON m.ns = c.connamespace AND m.owner = c.conowner
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND e.objid = c.oid)
  UNION ALL
  SELECT pg_catalog.format('text search parser %I.%I', n.name, p.prsname), 'only a superuser can make text search parsers'
  FROM pg_catalog.pg_ts_parser p JOIN ns n ON n.oid = p.prsnamespace
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass AND e.objid = p.oid)
  UNION ALL
  SELECT pg_catalog.format('text search template %I.%I', n.name, t.tmplname), 'only a superuser can make text search templates'
  FROM pg_catalog.pg_ts_template t JOIN ns n ON n.oid = t.tmplnamespace
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_ts_template'::pg_catalog.regclass AND e.objid = t.oid)
  UNION ALL
  SELECT pg_catalog.format('language %I', l.lanname), 'only a superuser can make languages without an extension'
  FROM pg_catalog.pg_language l
  WHERE l.oid >= 16384 AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_language'::pg_catalog.regclass AND e.objid = l.oid)
  UNION ALL
  SELECT pg_catalog.format('foreign-data wrapper %I', w.fdwname), 'only a superuser can make foreign-data wrappers'
  FROM pg_catalog.pg_foreign_data_wrapper w
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AND e.objid = w.oid)
  UNION ALL
  SELECT pg_catalog.format('user mapping of %s for server %I', u.usename, u.srvname), 'its options hold passwords'
  FROM pg_catalog.pg_user_mappings u
  UNION ALL
  SELECT pg_catalog.format('access method %I', a.amname), 'only a superuser can make access methods'
  FROM pg_catalog.pg_am a
  WHERE a.oid >= 16384 AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_am'::pg_catalog.regclass AND e.objid = a.oid)
  UNION ALL
  SELECT pg_catalog.format('transform for %s in %I', pg_catalog.format_type(t.trftype, NULL), l.lanname), 'transforms are not written'
  FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_transform'::pg_catalog.regclass AND e.objid = t.oid)
  UNION ALL
  SELECT pg_catalog.format('%s large objects', pg_catalog.count(*)), 'large objects are not read'
  FROM pg_catalog.pg_largeobject_metadata HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT pg_catalog.format('event trigger %I', e.evtname), 'it belongs to ' || pg_catalog.pg_get_userbyid(e.evtowner)
    || ' and calls a function of the project: only its owner can make it again'
  FROM pg_catalog.pg_event_trigger e
  WHERE e.evtowner IN (SELECT oid FROM platform_role) AND e.evtfoid IN (SELECT oid FROM fn)
  UNION ALL
  SELECT pg_catalog.format('security label on %s %s', s.classoid::pg_catalog.regclass, s.objoid), 'security labels are not written'
  FROM pg_catalog.pg_seclabel s
  WHERE s.objoid >= 16384 AND NOT EXISTS (SELECT FROM member e WHERE e.classid = s.classoid AND e.objid = s.objoid)
) x
ORDER BY 1

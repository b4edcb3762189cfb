SELECT e.oid::int8 AS oid, e.evtname AS name, e.evtevent AS event,
       e.evttags AS tags, e.evtfoid::pg_catalog.regproc::text AS function, e.evtenabled AS enabled
FROM pg_catalog.pg_event_trigger e
WHERE e.evtowner NOT IN (SELECT oid FROM platform_role)
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND m.objid = e.oid)
ORDER BY e.evtname

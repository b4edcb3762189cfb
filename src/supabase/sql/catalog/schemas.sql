SELECT n.oid::int8 AS oid, n.name, pg_catalog.pg_get_userbyid(n.owner) AS owner, n.everywhere,
       (SELECT pg_catalog.json_agg(a) FROM pg_catalog.aclexplode(n.acl) a) AS acl_raw,
       n.acl::text[] AS acl
FROM ns n WHERE NOT n.platform
ORDER BY n.name

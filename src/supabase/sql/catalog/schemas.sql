SELECT n.oid::int8 AS oid, n.name, pg_catalog.pg_get_userbyid(n.owner) AS owner, n.everywhere,
       n.acl::text[] AS acl
FROM ns n WHERE NOT n.platform
ORDER BY n.name

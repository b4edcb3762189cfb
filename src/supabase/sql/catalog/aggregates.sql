SELECT p.oid::int8 AS oid, p.schema, p.proname AS name, p.owner_name AS owner, p.proacl::text[] AS acl,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments, p.proparallel AS parallel,
       a.aggkind AS kind, a.aggtransfn::pg_catalog.regproc::text AS transition,
       pg_catalog.format_type(a.aggtranstype, NULL) AS state, a.aggtransspace AS state_size, a.agginitval AS initial,
       CASE WHEN a.aggfinalfn::oid <> 0 THEN a.aggfinalfn::pg_catalog.regproc::text END AS final,
       a.aggfinalextra AS final_extra, a.aggfinalmodify AS final_modify,
       CASE WHEN a.aggcombinefn::oid <> 0 THEN a.aggcombinefn::pg_catalog.regproc::text END AS combine,
       CASE WHEN a.aggserialfn::oid <> 0 THEN a.aggserialfn::pg_catalog.regproc::text END AS serialize,
       CASE WHEN a.aggdeserialfn::oid <> 0 THEN a.aggdeserialfn::pg_catalog.regproc::text END AS deserialize,
       CASE WHEN a.aggmtransfn::oid <> 0 THEN a.aggmtransfn::pg_catalog.regproc::text END AS moving_transition,
       CASE WHEN a.aggminvtransfn::oid <> 0 THEN a.aggminvtransfn::pg_catalog.regproc::text END AS moving_inverse,
       CASE WHEN a.aggmfinalfn::oid <> 0 THEN a.aggmfinalfn::pg_catalog.regproc::text END AS moving_final,
       a.aggmfinalextra AS moving_final_extra, a.aggmfinalmodify AS moving_final_modify,
       CASE WHEN a.aggmtranstype <> 0 THEN pg_catalog.format_type(a.aggmtranstype, NULL) END AS moving_state,
       a.aggmtransspace AS moving_state_size, a.aggminitval AS moving_initial,
       (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_catalog.pg_operator o
        JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = a.aggsortop) AS sort_operator
FROM fn p JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
ORDER BY p.schema, p.proname, p.oid

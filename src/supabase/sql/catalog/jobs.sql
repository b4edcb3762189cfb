-- Jobs of pg_cron, where it is installed.
SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
         pg_catalog.substring(line, '^<j>(.*)</j>$'), '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&amp;', '&') AS job
FROM (SELECT pg_catalog.btrim(x, E' \n') AS line FROM pg_catalog.regexp_split_to_table(
        CASE WHEN pg_catalog.to_regclass('cron.job') IS NULL THEN '' ELSE
          pg_catalog.query_to_xml('SELECT pg_catalog.row_to_json(t)::text AS j FROM cron.job t ORDER BY jobid', false, true, '')::text END,
        E'</?row[^>]*>|\n') x) q
WHERE line LIKE '<j>%'

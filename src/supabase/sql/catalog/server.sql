-- The server, and the settings that the text of values depends on.
SELECT pg_catalog.current_setting('server_version_num')::int AS version, pg_catalog.version() AS version_text,
       pg_catalog.current_setting('server_encoding') AS encoding, current_user AS asked_as,
       pg_catalog.current_database() AS database

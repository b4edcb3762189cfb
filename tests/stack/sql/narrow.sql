-- Generated rows of about 40 bytes of text each. Called like wide.sql, next to this file.

SELECT :'part' = 'create' AS creating, :'part' = 'rows' AS filling, :'part' = 'finish' AS finishing \gset

\if :creating
CREATE TABLE public.narrow_rows (
  id    bigint NOT NULL,
  value integer,
  kind  smallint,
  at    timestamptz,
  note  text
);
\endif

\if :filling
INSERT INTO public.narrow_rows
SELECT n, hashint8(n) / 100000, (n % 17)::smallint, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second',
       CASE WHEN n % 11 > 0 THEN chr(97 + (n % 26)::int) || (hashint8(n + 1) & 255) END
FROM generate_series(:from::bigint, :to::bigint) n;
\endif

\if :finishing
ALTER TABLE public.narrow_rows ADD PRIMARY KEY (id);
VACUUM (ANALYZE) public.narrow_rows;
\endif

-- Generated rows of about 1.4 KB of text each, half of it jsonb.
--
--     psql -v part=create …                      the table
--     psql -v part=rows -v from=1 -v to=500 …    rows with these numbers (any number of times, in parallel)
--     psql -v part=finish …                      key, statistics
--
-- Every value depends on the row's number alone: md5 picks words and digits for each row anew, so that
-- rows compress about as well as real ones do.

SELECT :'part' = 'create' AS creating, :'part' = 'rows' AS filling, :'part' = 'finish' AS finishing \gset

\if :creating
CREATE TABLE public.wide_rows (
  id         uuid NOT NULL,
  account_id bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz,
  email      text,
  name       text,
  title      text,
  notes      text,
  amount     numeric(12,2),
  active     boolean,
  payload    jsonb
);
\endif

\if :filling
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.adjective(x bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['quick', 'overdue', 'verified', 'monthly', 'external', 'manual', 'partial', 'urgent', 'small', 'shared',
                'archived', 'Münchner', 'final', 'open', 'signed', 'regional'])[1 + (x & 15)]
$$;
CREATE FUNCTION pg_temp.phrase(x bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_temp.adjective(x >> 8)
    || (ARRAY[' invoice ', ' customer ', ' delivery ', ' contract ', ' meeting ', ' budget ', ' report ', ' account ',
              ' payment ', ' ticket ', ' order ', ' shipment ', ' review ', ' lesson ', ' booking ', ' Straße '
             ])[1 + ((x >> 4) & 15)]
    || (ARRAY['was updated', 'is pending', 'needs approval', 'arrived late', 'has changed', 'went well', 'failed twice',
              'was split', 'is closed', 'will follow', 'got lost', 'was "quoted"', 'looks fine', 'must wait', 'is new',
              'was merged'])[1 + (x & 15)]
$$;

INSERT INTO public.wide_rows
SELECT h.h::uuid, 1000000 + n % 50021,
       timestamptz '2023-01-01 00:00:00+00' + n * interval '37.013 seconds',
       CASE WHEN n % 9 > 0 THEN timestamptz '2024-06-01 00:00:00+00' + (n % 31536000) * interval '1.000007 seconds' END,
       substr(h.h, 1, 9) || '.' || pg_temp.adjective(n) || '@example.com',
       pg_temp.adjective(n / 7) || ' ' || substr(h.h, 9, 7),
       pg_temp.phrase(b.a) || ', ' || pg_temp.phrase(b.a >> 24),
       concat_ws('. ', pg_temp.phrase(b.a >> 7), pg_temp.phrase(b.b), 'ref ' || substr(h.h, 17, 12),
                 pg_temp.phrase(b.b >> 12), pg_temp.phrase(b.b >> 24), pg_temp.phrase(b.c >> 3),
                 pg_temp.phrase(b.d >> 2) || E'\n' || pg_temp.phrase(b.d >> 14), h.g,
                 pg_temp.phrase(b.c >> 15), pg_temp.phrase(b.c >> 27), pg_temp.phrase(b.a >> 33),
                 pg_temp.phrase(b.b >> 35), pg_temp.phrase(b.d >> 35), pg_temp.phrase(b.c >> 9)),
       ((b.a & 1048575) * 7.31)::numeric(12,2), n % 3 <> 0,
       jsonb_build_object(
         'device', jsonb_build_object('id', h.g, 'os', CASE n % 4 WHEN 0 THEN 'iOS 18.1' WHEN 1 THEN 'Android 15'
                   WHEN 2 THEN 'Windows 11' ELSE 'macOS 15.2' END, 'battery', (b.d & 127) / 128::float8, 'beta', n % 17 = 0),
         'location', jsonb_build_array((b.b & 16777215) / 93206.7::float8, ((b.c & 33554431) / 93206.7::float8) - 180),
         'items', jsonb_build_array(
           jsonb_build_object('sku', 'A-' || (b.a & 65535), 'qty', 1 + (b.d & 7), 'price', (b.c & 32767) / 100::float8,
                              'label', pg_temp.phrase(b.d >> 5)),
           jsonb_build_object('sku', 'B-' || (b.b & 65535), 'qty', 1 + (b.a & 3), 'price', (b.d & 65535) / 100::float8,
                              'label', pg_temp.phrase(b.d >> 17)),
           jsonb_build_object('sku', 'C-' || (b.c & 65535), 'qty', 1 + (b.b & 7), 'price', (b.a & 32767) / 100::float8,
                              'label', pg_temp.phrase(b.a >> 19))),
         'comment', pg_temp.phrase(b.d >> 29) || ' / ' || pg_temp.phrase(b.c >> 36),
         'session', substr(h.g, 5, 20), 'trace', h.h, 'retries', b.d & 3, 'error', NULL,
         'referrer', 'https://www.example.com/' || pg_temp.adjective(b.d) || '?page=' || (b.b & 1023),
         'tags', jsonb_build_array(pg_temp.adjective(b.a), pg_temp.adjective(b.b), pg_temp.adjective(b.c)))
FROM generate_series(:from::bigint, :to::bigint) n,
     LATERAL (SELECT md5(n::text) AS h, md5('g' || n) AS g OFFSET 0) h,
     LATERAL (SELECT ('x' || substr(h.h, 1, 12))::bit(48)::bigint AS a, ('x' || substr(h.h, 13, 12))::bit(48)::bigint AS b,
                     ('x' || substr(h.g, 1, 12))::bit(48)::bigint AS c, ('x' || substr(h.g, 13, 12))::bit(48)::bigint AS d OFFSET 0) b;
\endif

\if :finishing
ALTER TABLE public.wide_rows ADD PRIMARY KEY (id);
VACUUM (ANALYZE) public.wide_rows;
\endif

DECLARE
  answer text;
  statement text;
BEGIN
  {own_table}
{print_settings}
  statement := format('SELECT pg_catalog.json_build_object(''rows'', pg_catalog.count(*), ''digest'',
      coalesce(pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.record_out(%s)::pg_catalog.text, 0)), 0)::pg_catalog.text
    )::pg_catalog.text FROM %I.%I AS x WHERE x.tableoid <> ALL ($1)',
    CASE WHEN column_names IS NULL THEN 'x.*' ELSE format('ROW(%s)',
      (SELECT string_agg(format('x.%I', u.name), ', ' ORDER BY u.place)
       FROM unnest(column_names) WITH ORDINALITY AS u(name, place))) END,
    table_schema, table_name);
  PERFORM set_config('search_path', format('%I, public, extensions', table_schema), true);
  EXECUTE statement INTO answer USING without;
  {answer}
END

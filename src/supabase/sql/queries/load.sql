DECLARE
  answer text;
  statement text;
  written bigint;
BEGIN
  {own_table}
{print_settings}
  -- every value is read by its type's own input function, out of the text of a whole row
  statement := format('WITH r AS MATERIALIZED (
      SELECT v.value::%1$I.%2$I AS r FROM pg_catalog.json_array_elements_text($1) AS v(value)
    ), w AS (
      INSERT INTO %1$I.%2$I AS t %3$s OVERRIDING SYSTEM VALUE SELECT %4$s FROM r %5$s RETURNING 1
    ) SELECT pg_catalog.count(*) FROM w',
    table_schema, table_name,
    (SELECT '(' || string_agg(format('%I', u.name), ', ' ORDER BY u.place) || ')'
     FROM unnest(column_names) WITH ORDINALITY AS u(name, place)),
    (SELECT string_agg(format('(r.r).%I', u.name), ', ' ORDER BY u.place)
     FROM unnest(column_names) WITH ORDINALITY AS u(name, place)),
    CASE WHEN on_conflict <> 'refuse' THEN
      format('ON CONFLICT (%s) DO ', (SELECT string_agg(format('%I', u.name), ', ') FROM unnest(key_columns) AS u(name))) ||
      CASE WHEN on_conflict = 'update' THEN
        'UPDATE SET ' || (SELECT string_agg(format('%1$I = excluded.%1$I', u.name), ', ') FROM unnest(set_columns) AS u(name))
      ELSE 'NOTHING' END
    END);
  -- names in values, and in the functions of triggers, are looked up in the table's own schema first;
  -- from here on everything else is qualified
  PERFORM set_config('search_path', format('%I, public, extensions', table_schema), true);
  IF quiet THEN
    SET LOCAL session_replication_role = replica;
  END IF;
  EXECUTE statement INTO written USING row_texts::pg_catalog.json;
  IF rehearse THEN
    SET CONSTRAINTS ALL IMMEDIATE;
    -- takes everything back
    RAISE EXCEPTION USING ERRCODE = '{rehearsed}', MESSAGE = pg_catalog.format('rehearsed %s rows', written);
  END IF;
  answer := pg_catalog.json_build_object('rows', written)::pg_catalog.text;
  {answer}
END

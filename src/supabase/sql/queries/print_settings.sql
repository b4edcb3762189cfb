  -- the settings that the rows' text was printed under
  PERFORM set_config(s.name, s.value, true) FROM json_each_text(print_settings) AS s(name, value)
  WHERE s.name = ANY ('{datestyle,intervalstyle,timezone,bytea_output,extra_float_digits,lc_monetary}'::text[])
    AND current_setting(s.name) IS DISTINCT FROM s.value;

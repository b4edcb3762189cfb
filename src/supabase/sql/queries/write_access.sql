DECLARE
  answer text;
  refusal text;
BEGIN
  BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL session_replication_role = origin;
  EXCEPTION WHEN insufficient_privilege THEN
    refusal := SQLERRM;
  END;
  answer := json_build_object('role', current_user, 'quiet', refusal IS NULL, 'refusal', refusal)::text;
  {answer}
END

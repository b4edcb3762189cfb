//! Supabase's own schemas as the service makes them, and databases that other people made.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::versions::dumped;
use crate::support::Stack;
use crate::support::stack::psql;

const VERSIONS: [&str; 2] = ["system", "newest"];

/// What every tutorial has people do.
const USERS_OWN: &str = "
    CREATE TABLE public.members (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, email text);
    CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
      $$ BEGIN INSERT INTO public.members VALUES (new.id, new.email); RETURN new; END $$;
    CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users
      FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();
    INSERT INTO storage.buckets (id, name, public) VALUES ('avatars', 'avatars', true);
    SET session_replication_role = replica;
    CREATE POLICY \"Own files\" ON storage.objects FOR SELECT TO authenticated USING (owner_id = auth.uid()::text);
    SET session_replication_role = origin;
    ALTER POLICY \"Own files\" ON storage.objects TO authenticated, anon;
    ALTER PUBLICATION supabase_realtime ADD TABLE public.members;
    INSERT INTO auth.users (id, email) VALUES ('00000000-0000-4000-8000-000000000001', 'a@example.com');
    INSERT INTO storage.objects (bucket_id, name) VALUES ('avatars', 'a/b/c.png');";

#[test]
fn the_platform_lets_postgres_do_what_the_service_lets_it_do() -> Result<()> {
    for version in VERSIONS {
        let stack = Stack::up(&["--data", "sample", "--data", "platform", "--pg", version])?;
        let url = stack.get("STACK_POSTGRES_URL");
        psql(url, USERS_OWN)?;
        assert_eq!(psql(url, "SELECT email FROM public.members")?.trim(), "a@example.com");
        assert_eq!(psql(url, "SELECT level, path_tokens FROM storage.objects")?.trim(), "3|{a,b,c.png}");
        assert_eq!(
            psql(url, "SELECT count(*) FROM pg_policy WHERE polrelid = 'storage.objects'::regclass")?.trim(),
            "1"
        );

        // and nothing more
        let owned = "SELECT count(*) FROM pg_class c WHERE relnamespace::regnamespace::text IN ('auth', 'storage')
                     AND relkind IN ('r', 'S') AND pg_has_role('postgres', relowner, 'USAGE')";
        assert_eq!(psql(url, owned)?.trim(), "0");
        for forbidden in [
            "CREATE TABLE auth.mine (id int)",
            "CREATE FUNCTION storage.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE auth.users ADD COLUMN mine int",
            "CREATE POLICY p ON storage.migrations USING (true)",
            "CREATE POLICY p ON auth.schema_migrations USING (true)",
            "DROP TABLE storage.objects",
            "CREATE INDEX ON auth.users (email)",
        ] {
            let error = psql(url, forbidden).err().with_context(|| format!("allowed: {forbidden}"))?.to_string();
            ensure!(error.contains("must be owner of") || error.contains("permission denied"), "{forbidden}: {error}");
        }
        psql(url, "DROP TRIGGER on_auth_user_created ON auth.users; DROP POLICY \"Own files\" ON storage.objects")?;
        assert_eq!(psql(url, owned)?.trim(), "0");

        // a new database has the platform and nobody's things
        let (_, target) = stack.new_database("target")?;
        let there = "SELECT (SELECT count(*) FROM auth.users), (SELECT count(*) FROM storage.buckets),
                            (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)";
        assert_eq!(psql(&target, there)?.trim(), "0|0|0");
        psql(&target, USERS_OWN)?;
    }
    Ok(())
}

#[test]
fn torture_stands_on_the_platform_too() -> Result<()> {
    let stack = Stack::up(&["--data", "platform", "--data", "torture"])?;
    assert_eq!(stack.sql("SELECT count(*) FROM public.fk_profiles JOIN auth.users USING (id)")?.trim(), "5");
    assert_eq!(
        stack.sql("SELECT relowner::regrole FROM pg_class WHERE oid = 'auth.users'::regclass")?.trim(),
        "supabase_auth_admin"
    );
    Ok(())
}

/// A set loads, holds what was counted in it (tables, functions, triggers, rows of one table), and can be
/// copied by its judge, `pg_dump`, as role `postgres`: the copy is the same to it.
fn a_judge(set: &str, table: &str, expected: &str) -> Result<()> {
    for version in VERSIONS {
        let stack = Stack::up(&["--data", set, "--pg", version])?;
        let url = stack.get("STACK_POSTGRES_URL");
        let counts = psql(
            url,
            &format!(
                "SELECT (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relowner = 'postgres'::regrole),
                        (SELECT count(*) FROM pg_proc WHERE proowner = 'postgres'::regrole),
                        (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), count(*) FROM public.{table}"
            ),
        )?;
        ensure!(counts.starts_with(expected), "{set} on {version}: {counts}");

        let (_, copy) = stack.new_database("copy")?;
        let script = format!(
            "'{}' '{url}' --schema=public --no-owner | sed '/^CREATE SCHEMA public;/d; /^COMMENT ON SCHEMA public/d; \
             /^ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin/d' | psql '{copy}' -Xqv ON_ERROR_STOP=1",
            stack.get("STACK_PG_DUMP")
        );
        let output = Command::new("bash").args(["-o", "pipefail", "-c", &script]).stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{set} on {version}: {}", String::from_utf8_lossy(&output.stderr));
        let schema = |url: &str| -> Result<Vec<String>> {
            let text = dumped(&stack, url, &["--schema=public", "--schema-only"])?;
            Ok(text.lines().filter(|l| !l.contains("restrict")).map(str::to_owned).collect())
        };
        let (source, copied) = (schema(url)?, schema(&copy)?);
        let differ: Vec<_> = source.iter().zip(&copied).filter(|(a, b)| a != b).take(3).collect();
        ensure!(source.len() == copied.len() && differ.is_empty(), "{set} on {version}: {differ:?}");
    }
    Ok(())
}

#[test]
fn sakila_loads_and_pg_dump_can_copy_it() -> Result<()> {
    a_judge("sakila", "rental", "21|10|15|16044")
}

#[test]
fn zabbix_loads_and_pg_dump_can_copy_it() -> Result<()> {
    a_judge("zabbix", "items", "173|2|4|13378")
}

#[test]
fn ledgersmb_loads_and_pg_dump_can_copy_it() -> Result<()> {
    a_judge("ledgersmb", "menu_node", "166|446|19|")
}

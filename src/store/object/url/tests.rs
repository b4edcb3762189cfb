use secrecy::SecretString;

use super::*;
use crate::store::{StoreUrl, Variables};

fn with(text: &str, vars: &[(&str, &str)]) -> Result<Box<ObjectUrl>, String> {
    let variables: Variables =
        vars.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect();
    match text.parse::<StoreUrl>()?.with_access(&Access { variables, ..Access::default() })? {
        StoreUrl::Object(url) => Ok(url),
        StoreUrl::Directory(_) | StoreUrl::Github(_) => Err("a directory".to_owned()),
    }
}

const AWS: [(&str, &str); 2] = [("aws_access_key_id", "AKIA"), ("aws_secret_access_key", "the-sentinel")];

#[test]
fn a_bucket_is_named_with_folder_region_and_endpoint() {
    let url = with("s3://b.c-d/x/y/?region=eu-central-1&endpoint=https://s3.example.com:9000", &AWS);
    let url = url.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        (url.bucket.as_str(), url.prefix.as_str(), url.region.as_deref()),
        ("b.c-d", "x/y", Some("eu-central-1"))
    );
    assert_eq!(url.endpoint.as_ref().map(Url::as_str), Some("https://s3.example.com:9000/"));
    assert_eq!(url.to_string(), "s3://b.c-d/x/y");
    assert!(!format!("{url:?}").contains("sentinel"));

    let vars = [AWS[0], AWS[1], ("aws_region", "eu-west-1"), ("aws_endpoint_url", "http://127.0.0.1:9")];
    let url = with("s3://b?object-lock=compliance&retain=30d&one-writer=yes", &vars);
    let url = url.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(url.lock, Some(Lock { mode: "COMPLIANCE", days: 30 }));
    assert!(url.one_writer && url.checksum && url.endpoint.is_some());
    assert_eq!(url.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn mistakes_are_told_without_repeating_what_could_be_a_secret() {
    for (text, expected) in [
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("s3://b ucket", "names no bucket"),
        ("s3://AKIA:the-sentinel@bucket", "credentials do not belong"),
        ("s3://b?secret_access_key=the-sentinel", "credentials do not belong"),
        ("s3://b?X-Amz-Signature=the-sentinel", "credentials do not belong"),
        ("az://c?sas=the-sentinel", "credentials do not belong"),
        ("s3://b?endpoint=https://u:the-sentinel@host", "credentials do not belong"),
        ("s3://b?regoin=the-sentinel", "`regoin` is no parameter"),
        ("s3://b?THE-SENTINEL=the-sentinel", "there is an unknown parameter"),
        ("s3://b?endpoint=the-sentinel", "`endpoint` is the server's URL"),
        ("s3://b?object-lock=governance", "`object-lock` and `retain` belong together"),
        ("s3://b?object-lock=the-sentinel&retain=1d", "`object-lock` is"),
        ("s3://b?object-lock=governance&retain=1d&checksum=none", "`object-lock` needs the checksum"),
        ("s3://b?object-lock=governance&retain=1w", "`retain` is a number of days"),
        ("gs://b?region=x", "`region` is a parameter of s3:// URLs only"),
        ("s3://b?account=x", "`account` is a parameter of az:// URLs only"),
        ("s3://b/a//b", "the folder in the bucket"),
        ("s3://b/../c", "the folder in the bucket"),
        ("az://c", "names no storage account"),
        (
            "s3://b?endpoint=https://abcdefghijklmnopqrst.storage.supabase.co/storage/v1/s3",
            "is the storage of a Supabase",
        ),
        ("s3://b?endpoint=https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", "is the storage of a Supabase"),
        ("s3://b?endpoint=http://supabase.internal:8000/storage/v1/s3/", "is the storage of a Supabase"),
    ] {
        let mistake = with(text, &AWS).err().unwrap_or_default();
        assert!(mistake.starts_with(expected), "{text}: {mistake}");
        assert!(!mistake.to_lowercase().contains("sentinel"), "{mistake}");
    }
}

#[test]
fn a_store_without_credentials_says_which_are_missing() {
    for (text, vars, expected) in [
        ("s3://b", &[("aws_access_key_id", "x")][..], "AWS_SECRET_ACCESS_KEY"),
        ("gs://b", &[], "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://b?account=a", &[], "AZURE_STORAGE_ACCOUNT_KEY"),
    ] {
        let mistake = with(text, vars).err().unwrap_or_default();
        assert!(mistake.starts_with("there are no credentials for ") && mistake.contains(expected), "{mistake}");
    }
    assert!(with("s3://b?credentials=machine", &[]).is_ok());
    assert!(with("s3://b", &[("aws_role_arn", "r"), ("aws_web_identity_token_file", "f")]).is_ok());
}

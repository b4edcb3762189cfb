// subset.mjs DIR: from GitHub's published description in DIR/node_modules/@octokit/openapi, what the fake
// serves, as DIR/github.json (github.com) and DIR/ghes.json (Enterprise Server).
//
// Every change to the description is in this file: each makes it stricter, says the same in JSON Schema's words, or
// puts right what the description gets wrong about itself.

import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";

const dir = process.argv[2];
const load = createRequire(`${dir}/`);

const REPO = "/repos/{owner}/{repo}";
const SERVED = {
  "/rate_limit": "get",
  "": "get",
  "/issues": "get post",
  "/issues/{issue_number}": "get patch",
  "/issues/{issue_number}/comments": "get post",
  "/issues/{issue_number}/labels": "get post put",
  "/issues/{issue_number}/labels/{name}": "delete",
  "/issues/comments/{comment_id}": "get patch delete",
  "/labels": "get post",
  "/labels/{name}": "get patch delete",
  "/releases": "get post",
  "/releases/{release_id}": "get patch delete",
  "/releases/latest": "get",
  "/releases/tags/{tag}": "get",
  "/releases/{release_id}/assets": "get post",
  "/releases/assets/{asset_id}": "get patch delete",
  "/actions/artifacts": "get",
  "/actions/artifacts/{artifact_id}": "get delete",
  "/actions/artifacts/{artifact_id}/{archive_format}": "get",
  "/actions/runs": "get",
  "/actions/runs/{run_id}": "get",
  "/actions/runs/{run_id}/artifacts": "get",
  "/actions/workflows": "get",
  "/actions/workflows/{workflow_id}": "get",
  "/actions/workflows/{workflow_id}/enable": "put",
  "/actions/workflows/{workflow_id}/disable": "put",
  "/actions/workflows/{workflow_id}/runs": "get",
  "/commits": "get",
};

// What is only for people, or for other tools.
const DROPPED = new Set(["description", "example", "examples", "summary", "externalDocs", "tags", "x-github", "x-octokit"]);

/** JSON Schema's words: ajv knows `nullable` beside one `type` only, and `enum` knows no exception for null. */
function plain(node, inProperties = false) {
  if (Array.isArray(node)) return node.map((item) => plain(item));
  if (node === null || typeof node !== "object") return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    // a property may be called "description": there the key is a name
    if (!inProperties && DROPPED.has(key)) continue;
    out[key] = plain(value, !inProperties && (key === "properties" || key === "schemas"));
  }
  if (inProperties || out.nullable !== true) return out;
  delete out.nullable;
  return { anyOf: [out, { type: "null" }] };
}

/** GitHub ignores members that it does not know; a client that sends one believes something that is not so. */
function closed(schema) {
  if (schema && typeof schema === "object" && !Array.isArray(schema)) {
    if (schema.properties && schema.additionalProperties === undefined && !schema.anyOf && !schema.oneOf) {
      schema.additionalProperties = false;
    }
    for (const value of Object.values(schema)) closed(value);
  } else if (Array.isArray(schema)) schema.forEach(closed);
  return schema;
}

/** What GitHub refuses or bends although its description allows it. */
function stricter(path, method, operation, document) {
  operation.parameters = (operation.parameters ?? []).map((parameter) => {
    const named = structuredClone(parameter.$ref ? find(document, parameter.$ref) : parameter);
    // answers hold 100 at most, whatever is asked for
    if (named.name === "per_page") named.schema = { type: "integer", minimum: 1, maximum: 100 };
    if (named.name === "page") named.schema = { type: "integer", minimum: 1 };
    // one of integer and string: everything in a path is a string
    if (named.name === "workflow_id") named.schema = { type: "string" };
    return named;
  });
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  if (!body) return;
  closed(body);
  // the description allows numbers, which GitHub turns into text
  if (body.properties?.title) body.properties.title = { type: "string", minLength: 1 };
  if (body.properties?.tag_name) body.properties.tag_name = { type: "string", minLength: 1 };
  if (path.endsWith("/issues") && method === "post") body.required = ["title"];
}

const find = (document, ref) => ref.split("/").slice(1).reduce((at, key) => at[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);

function referenced(node, document, kept) {
  if (Array.isArray(node)) return node.forEach((item) => referenced(item, document, kept));
  if (node === null || typeof node !== "object") return;
  if (typeof node.$ref === "string" && !kept.has(node.$ref)) {
    kept.add(node.$ref);
    referenced(find(document, node.$ref), document, kept);
  }
  for (const value of Object.values(node)) referenced(value, document, kept);
}

function subset(source) {
  const document = plain(source);
  // its words on uploads tell of assets that stay in the state `starter`, which its schema forgot
  document.components.schemas["release-asset"].properties.state.enum.push("starter");
  const paths = {};
  for (const [path, methods] of Object.entries(SERVED)) {
    const full = path === "/rate_limit" ? path : REPO + path;
    paths[full] = {};
    for (const method of methods.split(" ")) {
      const operation = document.paths[full]?.[method];
      if (!operation) throw new Error(`the description has no ${method} ${full}`);
      // the server tells hosts apart itself
      delete operation.servers;
      stricter(path, method, operation, document);
      paths[full][method] = operation;
    }
  }
  const kept = new Set();
  referenced(paths, document, kept);
  const components = {};
  // what undescribed errors are held to
  for (const ref of [...kept, "#/components/schemas/basic-error", "#/components/schemas/validation-error"]) {
    const [, , kind, name] = ref.split("/");
    (components[kind] ??= {})[name] = find(document, ref);
  }
  return { openapi: source.openapi, info: source.info, paths, components };
}

for (const [name, file] of [["github", "api.github.com"], ["ghes", "ghes-3.19"]]) {
  writeFileSync(`${dir}/${name}.json`, JSON.stringify(subset(load(`@octokit/openapi/generated/${file}.json`))));
}

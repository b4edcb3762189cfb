// What exists: repositories, each with a world of its own, and who may do what there.

import { randomBytes, randomUUID } from "node:crypto";

/** An answer that is no success. */
export class Refusal extends Error {
  constructor(status, message, more = {}, headers = {}) {
    super(message);
    Object.assign(this, { status, headers, body: { message, documentation_url: "https://docs.github.com/rest", ...more } });
    if (status !== 422) this.body.status = String(status);
  }
}

export const notFound = () => new Refusal(404, "Not Found");
export const invalid = (resource, code, field, more = {}) =>
  new Refusal(422, "Validation Failed", { errors: [{ resource, code, field, ...more }] });

// wider than 32 bits, as the real ones are
let last = 5_000_000_000;
export const newId = () => ++last;
export const nodeId = (kind, id) => Buffer.from(`${kind}:${id}`).toString("base64");

const ALL = { contents: "write", issues: "write", actions: "write", metadata: "read" };
const BACKENDS = new Map();

export class Repo {
  constructor({ owner, repo, visibility = "private", permissions = ALL, ...settings }) {
    this.id = newId();
    this.run_id = newId();
    const [run, job] = [randomUUID(), randomUUID()];
    Object.assign(this, { owner, name: repo, visibility, run_backend: run, job_backend: job });
    this.settings = {
      archived: false, has_issues: true, immutable_releases: false, pushed_at: null, now: null, default_branch: "main",
      assignable: [owner], actor: "github-actions[bot]", max_assets: 1000, max_asset_size: 2 ** 31 - 1, max_artifacts: 500,
      retention_days: 90, signed_seconds: 600,
    };
    this.tokens = new Map();
    this.token = this.newToken(permissions);
    this.runtime_token = jwt({ scp: `Actions.Example Actions.Results:${run}:${job}`, exp: 4102444800, iss: "fake" });
    BACKENDS.set(this.runtime_token, this);
    Object.assign(this, { requests: [], violations: [], faults: [] });
    Object.assign(this, { issues: [], comments: [], labels: [], releases: [], artifacts: [], uploads: [], workflows: [], runs: [], commits: [] });
    this.set(settings);
  }

  static ofRuntimeToken(token) {
    return BACKENDS.get(token);
  }

  newToken(permissions) {
    const token = `ghs_${randomBytes(27).toString("base64url").replaceAll(/[-_]/g, "x")}`;
    this.tokens.set(token, { permissions: { ...permissions }, rate: { limit: 1000, remaining: 1000, reset: 0 } });
    return token;
  }

  /** Changes settings: those above, and `visibility`, `permissions` and `rate` of the first token. */
  set({ visibility, permissions, rate, ...settings }) {
    if (visibility) this.visibility = visibility;
    const first = this.tokens.get(this.token);
    if (permissions) first.permissions = permissions;
    if (rate) Object.assign(first.rate, { fixed: true }, rate);
    for (const key of Object.keys(settings)) {
      if (!(key in this.settings)) throw new Error(`there is no setting ${key}`);
    }
    Object.assign(this.settings, settings);
  }

  get full() {
    return `${this.owner}/${this.name}`;
  }

  now() {
    return this.settings.now ? new Date(this.settings.now) : new Date();
  }

  stamp() {
    return stamp(this.now());
  }

  violation(what, on) {
    this.violations.push({ what, on });
  }
}

export const stamp = (date) => date.toISOString().replace(/\.\d+Z$/, "Z");

function jwt(claims) {
  const part = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
  return `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
}

// ------------------------------------------------------------------ rights ---

const REPOS = new Map();
const BY_ID = new Map();

export function addRepo(wanted) {
  const key = `${wanted.owner}/${wanted.repo}`.toLowerCase();
  if (REPOS.has(key)) throw new Error(`${key} is there already`);
  const repo = new Repo(wanted);
  REPOS.set(key, repo);
  BY_ID.set(String(repo.id), repo);
  return repo;
}

export const repoNamed = (owner, name) => REPOS.get(`${owner}/${name}`.toLowerCase());
export const repoOfId = (id) => BY_ID.get(id);

/** Who asks: the token's rights where it is one of ours. */
export function whoAsks(authorization) {
  if (!authorization) return null;
  const token = /^(?:bearer|token) (.+)$/i.exec(authorization)?.[1];
  for (const repo of REPOS.values()) {
    const known = repo.tokens.get(token);
    if (known) return { repo, ...known };
  }
  throw new Refusal(401, "Bad credentials");
}

const RANK = { none: 0, read: 1, write: 2 };

/** The right that an operation needs: `["contents", "write"]`. */
export function needed(operationId, method) {
  const level = method === "get" ? "read" : "write";
  if (operationId === "repos/get") return ["metadata", "read"];
  const scope = operationId.startsWith("issues/") ? "issues" : operationId.startsWith("actions/") ? "actions" : "contents";
  return [scope, level];
}

/** Whether this one may see that the repository exists. */
export const sees = (repo, who) => repo.visibility === "public" || who?.repo === repo;

export const may = (repo, who, scope, level) => {
  if (who?.repo === repo && RANK[who.permissions[scope] ?? "none"] >= RANK[level]) return true;
  return level === "read" && (repo.visibility === "public" || (scope === "metadata" && who?.repo === repo));
};

export function allow(repo, who, operationId, method) {
  if (!repo || repo.visibility === "missing" || !sees(repo, who)) throw notFound();
  const [scope, level] = needed(operationId, method);
  if (!may(repo, who, scope, level)) {
    if (!who) throw new Refusal(401, "Requires authentication");
    throw new Refusal(403, "Resource not accessible by integration", {}, { "x-accepted-github-permissions": `${scope}=${level}` });
  }
  if (level === "write" && repo.settings.archived && scope !== "actions") {
    throw new Refusal(403, "Repository was archived so is read-only.");
  }
}

// ------------------------------------------------------------------- pages ---

/** One page of a list, and the Link header to the others, by the repository's number as GitHub does it. */
export function paged(list, { request, query, repo }) {
  const size = query.per_page ?? 30;
  const page = query.page ?? 1;
  const lastPage = Math.max(1, Math.ceil(list.length / size));
  const links = [];
  const link = (number, rel) => {
    const rest = request.path.replace(/^\/repos\/[^/]+\/[^/]+/, "");
    const search = new URLSearchParams(request.search);
    search.set("page", number);
    links.push(`<${request.base}/repositories/${repo.id}${rest}?${search}>; rel="${rel}"`);
  };
  if (page > 1) link(page - 1, "prev");
  if (page < lastPage) link(page + 1, "next"), link(lastPage, "last");
  if (page > 1) link(1, "first");
  const headers = links.length ? { link: links.join(", ") } : {};
  return { page: list.slice((page - 1) * size, page * size), headers };
}

// server.mjs PARTS: GitHub for tests, on five free loopback ports, printed as one line of JSON: the REST API,
// uploads of release assets, signed addresses, the runner's service, and control. See README.md.

import { createServer } from "node:http";

import { actions, seeds } from "./actions.mjs";
import { blobRequest, isBlobPath, ownerOf, partsIn } from "./blobs.mjs";
import { control } from "./control.mjs";
import { Description } from "./description.mjs";
import { faultFor, damaged } from "./faults.mjs";
import { issues } from "./issues.mjs";
import { releases, signedAsset } from "./releases.mjs";
import { SERVICE, runOf, runnerService } from "./runner.mjs";
import { Refusal, allow, nodeId, repoNamed, repoOfId, whoAsks } from "./world.mjs";

const parts = process.argv[2];
partsIn(parts);
const OPERATIONS = { ...issues, ...releases, ...actions };
const github = await Description.load(parts, "github");
const enterprise = await Description.load(parts, "ghes");
const VERSIONS = ["2022-11-28", "2026-03-10"];
const hosts = {};

// ----------------------------------------------------------------- request ---

/** What came in, under the names that the rest of the server uses. */
function incoming(host, req) {
  const [target, search = ""] = req.url.split(/\?(.*)/s);
  const request = { host, method: req.method, target: req.url, path: target, search, headers: req.headers, base: `http://${req.headers.host}` };
  let whole;
  request.bytes = () => (whole ??= new Promise((resolve, reject) => {
    const chunks = [];
    req.on("data", (chunk) => chunks.push(chunk));
    req.on("end", () => resolve(Buffer.concat(chunks)));
    req.on("close", () => req.complete || reject(new Error("the client went away")));
  }));
  // Enterprise Server has one host, and prefixes
  const prefix = host === "api" && /^\/api\/(v3|uploads)(?=\/)/.exec(target);
  if (prefix) {
    Object.assign(request, { path: target.slice(prefix[0].length), enterprise: true, base: request.base + "/api/v3" });
    if (prefix[1] === "uploads") request.host = "uploads";
  }
  // links to further pages name repositories by number
  const numbered = /^\/repositories\/(\d+)(\/.*)?$/.exec(request.path);
  if (numbered && repoOfId(numbered[1])) request.path = `/repos/${repoOfId(numbered[1]).full}${numbered[2] ?? ""}`;
  return request;
}

function repoOf(request) {
  if (request.host === "results") return runOf(request);
  const at = request.host === "signed" && isBlobPath(request.path) ? ownerOf(request.path)
    : /^\/(?:repos|assets)\/([^/]+)\/([^/]+)/.exec(request.path)?.slice(1).map(decodeURIComponent);
  return at && repoNamed(...at);
}

// What belongs to no repository of a test, and is wrong.
export const strays = [];

function recorded(request, repo) {
  const { host, method, target, path, search, headers } = request;
  const record = { host, method, target, path, query: Object.fromEntries(new URLSearchParams(search)), headers, at_ms: Date.now(), status: 0 };
  (repo?.requests ?? strays).push(record);
  return record;
}

// ---------------------------------------------------------------- REST API ---

function shapes(description, request, repo) {
  const origin = request.enterprise ? request.base.replace(/\/api\/v3$/, "") : "https://github.com";
  return {
    of: (name, known) => description.shaped(name, known),
    required: (name) => description.definition.components.schemas[name].required,
    url: `${request.base === hosts.uploads ? hosts.api : request.base}/repos/${repo.full}`,
    html: `${origin}/${repo.full}`,
    uploads: `${request.enterprise ? `${origin}/api/uploads` : hosts.uploads}/repos/${repo.full}`,
    user: (login) => description.shaped("simple-user", {
      login, id: [...login].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1e9, 7), node_id: nodeId("User", login),
      type: login.endsWith("[bot]") ? "Bot" : "User", html_url: `https://github.com/${login.replace(/^(.*)\[bot\]$/, "apps/$1")}`, gravatar_id: "",
    }),
  };
}

/** Counts a request against the token's hour; the headers that tell of it. */
function counted(who, repo, request) {
  if (request.enterprise) return {}; // off there, unless somebody turns it on
  const rate = who?.rate ?? { limit: 60, remaining: 60, reset: 0 };
  const now = Math.floor(Date.now() / 1000);
  if (rate.reset <= now) Object.assign(rate, { reset: now + 3600, remaining: rate.fixed && rate.reset === 0 ? rate.remaining : rate.limit });
  const none = rate.remaining <= 0;
  rate.remaining = Math.max(0, rate.remaining - 1);
  const headers = {
    "x-ratelimit-limit": rate.limit, "x-ratelimit-remaining": rate.remaining, "x-ratelimit-used": rate.limit - rate.remaining,
    "x-ratelimit-reset": rate.reset, "x-ratelimit-resource": "core",
  };
  if (none) throw new Refusal(403, `API rate limit exceeded for installation ID ${repo?.id ?? 1}.`, {}, headers);
  return headers;
}

async function rest(request, repo, record) {
  const description = request.enterprise ? enterprise : github;
  let headers = {};
  let operation;
  try {
    const violated = (what) => {
      record.violation = what;
      repo?.violation(what, `${request.method} ${request.target}`);
      throw new Refusal(422, `Not as GitHub's description has it: ${what}`);
    };
    const upload = request.method === "POST" && /\/releases\/\d+\/assets$/.test(request.path);
    let body;
    if (!upload) {
      const bytes = await request.bytes();
      if (bytes.length) {
        try {
          record.body = body = JSON.parse(bytes);
        } catch {
          violated("the body is no JSON");
        }
      }
    }
    const asked = { method: request.method, path: request.path, query: request.search, headers: request.headers, body };
    const { params, query, violations, operation: matched } = description.match(asked);
    if (!matched) violated(violations.join("; "));
    operation = matched;
    if (violations.length) violated(violations.join("; "));
    if (body !== undefined && !operation.requestBody) violated(`${operation.operationId} takes no body`);
    if (upload !== (request.host === "uploads")) violated(upload ? "assets are uploaded to upload_url" : "only uploads go to the uploads host");
    if (upload && !request.headers["content-type"]) violated("an upload needs a Content-Type");
    if (!request.headers["user-agent"]) violated("a request needs a User-Agent");
    const version = request.headers["x-github-api-version"];
    if (version && !VERSIONS.includes(version)) violated(`there is no API version ${version}`);

    const who = whoAsks(request.headers.authorization);
    headers = counted(who, repo, request);
    const fault = request.fault;
    if (fault?.status && !fault.after && !fault.starter) {
      return { ...(await faultAnswer(request, headers)), operation, description };
    }
    if (operation.operationId === "rate-limit/get") return { status: 200, body: rates(who, description), operation, description, headers };
    allow(repo, who, operation.operationId, operation.method);
    const context = { request, repo, who, params, query, body, shape: shapes(description, request, repo), signed: hosts.signed };
    const answer = await OPERATIONS[operation.operationId](context);
    if (fault?.status && fault.after) {
      return { ...(await faultAnswer(request, headers)), operation, description };
    }
    return { ...answer, operation, description, headers: { ...headers, ...answer.headers } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await request.bytes(); // a client that is still sending would not see the answer
    return { status: error.status, body: error.body, operation, description, headers: { ...headers, ...error.headers } };
  }
}

/** The answer that a fault gives in place of the server's own. */
async function faultAnswer(request, own = {}) {
  await request.bytes();
  const { status, body, message, headers: given = {} } = request.fault;
  const headers = { ...own };
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value;
  if (typeof body === "string") {
    return { status, raw: Buffer.from(body), headers: { "content-type": "text/html; charset=utf-8", ...headers } };
  }
  return { status, body: body ?? new Refusal(status, message ?? "A fault that the test asked for").body, headers };
}

function rates(who, description) {
  const rate = who?.rate ?? { limit: 60, remaining: 60, reset: 0 };
  const core = { limit: rate.limit, used: rate.limit - rate.remaining, remaining: rate.remaining, reset: rate.reset };
  return description.shaped("rate-limit-overview", { rate: core, resources: { core, search: core } });
}

// ---------------------------------------------------------- signed addresses ---

async function signed(request, repo, record) {
  if (request.headers.authorization) {
    const what = "a signed address is called without Authorization";
    repo?.violation(what, `${request.method} ${request.path}`);
    record.violation = what;
    await request.bytes();
    return { status: 400, raw: Buffer.from("<Error><Code>InvalidAuthenticationInfo</Code></Error>"), headers: { "content-type": "application/xml" } };
  }
  if (request.fault?.status && !request.fault.after) return faultAnswer(request);
  const answer = isBlobPath(request.path)
    ? await blobRequest(request.method, request.target, request.headers, await request.bytes())
    : signedAsset(request);
  if (request.fault?.status) return faultAnswer(request);
  return answer;
}

async function runner(request, repo, record) {
  if (!request.path.startsWith(SERVICE)) return { status: 404, body: { code: "bad_route", msg: "no handler" }, headers: {} };
  if (request.fault?.status && !request.fault.after) return faultAnswer(request);
  const answer = await runnerService(repo, request, hosts.signed);
  record.body = String(await request.bytes());
  if (request.fault?.status) return faultAnswer(request);
  return answer;
}

// ------------------------------------------------------------------ answers ---

const SERVE = { api: rest, uploads: rest, signed, results: runner };

async function serve(host, req, res) {
  const request = incoming(host, req);
  const repo = repoOf(request);
  const record = recorded(request, repo);
  request.fault = faultFor(repo, request);
  record.fault = request.fault?.rule;
  if (request.fault?.delay_ms) await new Promise((resolve) => setTimeout(resolve, request.fault.delay_ms));
  if (request.fault?.cut) return req.socket.destroy();
  const answer = await SERVE[request.host](request, repo, record);
  if (request.fault?.lose) return req.socket.destroy();
  const { operation, description } = answer;
  // nobody is to build on an answer that GitHub would not give
  const wrong = operation && !request.fault?.body ? description.wrong(operation, answer.status, answer.body) : [];
  if (wrong.length) {
    const what = `the fake's own answer ${answer.status} to ${operation.operationId}: ${wrong.join("; ")}`;
    repo?.violation(what, `${request.method} ${request.target}`);
    Object.assign(answer, { status: 599, body: { message: what } });
  }
  record.status = answer.status;
  record.bytes = (await request.bytes()).length;
  const headers = Object.fromEntries(Object.entries(answer.headers ?? {}).filter(([name]) => name !== "transfer-encoding" && name !== "connection"));
  const raw = answer.raw ?? (answer.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(answer.body)));
  if (!answer.raw && answer.body !== undefined) headers["content-type"] ??= "application/json; charset=utf-8";
  if (request.enterprise) headers["x-github-enterprise-version"] = "3.19.0";
  headers["x-github-request-id"] = `FAKE:${record.at_ms.toString(16)}`;
  // HEAD tells the length of what it does not send
  if (answer.status !== 204 && !(request.method === "HEAD")) headers["content-length"] = raw.length;
  res.writeHead(answer.status, headers);
  if (request.fault?.truncate !== undefined) {
    res.write(raw.subarray(0, request.fault.truncate), () => req.socket.destroy());
  } else res.end(request.method === "HEAD" ? undefined : damaged(raw, request.fault));
}

async function listen(name, handler) {
  const server = createServer((req, res) => {
    handler(req, res).catch((error) => {
      if (res.destroyed || req.destroyed) return;
      process.stderr.write(`${error.stack}\n`);
      res.writeHead(599, { "content-type": "application/json" }).end(JSON.stringify({ message: String(error.stack) }));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  hosts[name] = `http://127.0.0.1:${server.address().port}`;
}

for (const host of Object.keys(SERVE)) await listen(host, (req, res) => serve(host, req, res));
await listen("control", (req, res) => control(req, res, { hosts, strays, seeds }));
process.stdout.write(`${JSON.stringify(hosts)}\n`);

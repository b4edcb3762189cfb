// What tests ask of the server itself. Nothing here is GitHub's.
//
//   POST   /repos                      {owner, repo, visibility, permissions, …settings}: token, runtime token, ids
//   PATCH  /repos/O/R                  visibility, permissions, rate, settings
//   POST   /repos/O/R/tokens           {permissions}: one more token
//   POST   /repos/O/R/faults           [rule, …] beside those planned; GET with `hit`; DELETE
//   GET    /repos/O/R/requests         what came in; DELETE forgets it
//   GET    /repos/O/R/violations       what was wrong with it; DELETE forgets it
//   GET    /repos/O/R/state            everything that the repository holds
//   POST   /repos/O/R/{issues,workflows,runs,commits,artifacts}   puts one there
//   GET    /strays                     requests for no repository of a test

import { rule } from "./faults.mjs";
import { openIssue } from "./issues.mjs";
import { Refusal, addRepo, repoNamed } from "./world.mjs";

export async function control(req, res, { hosts, strays, seeds }) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const answer = (status, body) => res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body ?? null));
  try {
    const body = chunks.length && Buffer.concat(chunks).length ? JSON.parse(Buffer.concat(chunks)) : {};
    answer(200, await act(req.method, req.url, body, { hosts, strays, seeds }));
  } catch (error) {
    answer(400, { message: error instanceof Refusal ? JSON.stringify(error.body) : String(error.stack) });
  }
}

const told = (repo) => ({
  token: repo.token, id: repo.id, run_id: repo.run_id, runtime_token: repo.runtime_token,
  run_backend: repo.run_backend, job_backend: repo.job_backend,
});

async function act(method, url, body, { hosts, strays, seeds }) {
  if (method === "GET" && url === "/strays") return strays;
  if (method === "POST" && url === "/repos") return told(addRepo(body));
  const [, owner, name, what] = /^\/repos\/([^/]+)\/([^/]+)(?:\/(\w+))?$/.exec(url) ?? [];
  const repo = owner && repoNamed(owner, name);
  if (!repo) throw new Error(`no such repository, or no such thing to ask: ${method} ${url}`);
  switch (`${method} ${what ?? ""}`) {
    case "PATCH ": return repo.set(body);
    case "POST tokens": return { token: repo.newToken(body.permissions ?? {}) };
    case "POST faults": return void repo.faults.push(...[body].flat().map(rule));
    case "POST issues": return openIssue(repo, body);
    case "GET state": {
      const { issues, comments, labels, releases, artifacts, uploads, workflows, runs, commits, settings, visibility } = repo;
      return { issues, comments, labels, releases, artifacts, uploads, workflows, runs, commits, settings, visibility };
    }
    case "GET faults": case "GET requests": case "GET violations": return repo[what];
    case "DELETE faults": case "DELETE requests": case "DELETE violations": return void (repo[what] = []);
    default: break;
  }
  if (method === "POST" && seeds[what]) return seeds[what](repo, body, hosts.signed);
  throw new Error(`there is nothing like ${method} ${url}`);
}

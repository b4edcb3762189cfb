// The repository itself, its commits, workflows, runs and artifacts, as the REST API shows them.

import { Refusal, newId, nodeId, notFound, paged } from "./world.mjs";
import { signedRead, storeBlob } from "./blobs.mjs";

// ------------------------------------------------------ what a test puts in ---

export const seeds = {
  workflows: (repo, { path = ".github/workflows/backup.yml", name = "backup", state = "active", ...given }) => {
    const now = repo.stamp();
    const workflow = { id: newId(), name, path, state, created_at: now, updated_at: now, ...given };
    repo.workflows.push(workflow);
    return workflow;
  },
  runs: (repo, { event = "schedule", status = "completed", conclusion = "success", ...given }) => {
    const now = repo.stamp();
    const run = {
      id: newId(), workflow_id: repo.workflows[0]?.id ?? 0, event, status, conclusion, run_number: repo.runs.length + 1,
      head_branch: repo.settings.default_branch, head_sha: "a".repeat(40), created_at: now, updated_at: now, ...given,
    };
    repo.runs.push(run);
    return run;
  },
  commits: (repo, { message = "a change", date = repo.stamp(), sha = newId().toString(16).padStart(40, "0") }) => {
    repo.commits.unshift({ sha, message, date });
    return { sha };
  },
  /** An artifact of an earlier run: `{name, text | base64, run_id?, created_at?, expired?}`. */
  artifacts: async (repo, { name, text = "", base64, run_id, created_at, expired }, signed) => {
    const bytes = base64 ? Buffer.from(base64, "base64") : Buffer.from(text);
    const blob = `${repo.full}/seeded-${newId()}`;
    await storeBlob(blob, bytes, "application/zip", signed);
    return addArtifact(repo, { name, blob, bytes, run_id: run_id ?? newId(), created_at, expired });
  },
};

/** What both the runner's service and a test add. */
export async function addArtifact(repo, { name, blob, bytes, run_id, created_at = repo.stamp(), expires_at, expired = false }) {
  const { createHash } = await import("node:crypto");
  const days = repo.settings.retention_days * 86_400_000;
  const artifact = {
    id: newId(), name, blob, size_in_bytes: bytes.length, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    run_id, created_at, expires_at: expires_at ?? new Date(Date.parse(created_at) + days).toISOString().replace(/\.\d+Z/, "Z"), expired,
  };
  repo.artifacts.push(artifact);
  return artifact;
}

// ------------------------------------------------------------------ shapes ---

function repoShape({ shape, repo }, name) {
  const settings = repo.settings;
  const open = repo.issues.filter(({ state }) => state === "open").length;
  return shape.of(name, {
    ...Object.fromEntries((shape.required(name)).filter((key) => key.endsWith("_url")).map((key) => [key, `${shape.url}/${key.slice(0, -4)}`])),
    id: repo.id, node_id: nodeId("Repository", repo.id), name: repo.name, full_name: repo.full, owner: shape.user(repo.owner),
    private: repo.visibility !== "public", visibility: repo.visibility, html_url: shape.html, url: shape.url, fork: false,
    default_branch: settings.default_branch, archived: settings.archived, disabled: false, has_issues: settings.has_issues,
    open_issues: open, open_issues_count: open, created_at: "2026-01-01T00:00:00Z", updated_at: repo.stamp(),
    pushed_at: settings.pushed_at ?? repo.commits[0]?.date ?? "2026-01-01T00:00:00Z", mirror_url: null,
  });
}

function artifactShape({ shape, repo }, artifact) {
  const url = `${shape.url}/actions/artifacts/${artifact.id}`;
  return shape.of("artifact", {
    id: artifact.id, node_id: nodeId("Artifact", artifact.id), name: artifact.name, size_in_bytes: artifact.size_in_bytes, url,
    archive_download_url: `${url}/zip`, expired: isExpired(repo, artifact), digest: artifact.digest,
    created_at: artifact.created_at, updated_at: artifact.created_at, expires_at: artifact.expires_at,
    workflow_run: {
      id: artifact.run_id, repository_id: repo.id, head_repository_id: repo.id,
      head_branch: repo.settings.default_branch, head_sha: "a".repeat(40),
    },
  });
}

const isExpired = (repo, artifact) => artifact.expired || Date.parse(artifact.expires_at) <= repo.now().getTime();

function workflowShape({ shape }, workflow) {
  return shape.of("workflow", {
    ...workflow, node_id: nodeId("Workflow", workflow.id), url: `${shape.url}/actions/workflows/${workflow.id}`,
    html_url: `${shape.html}/blob/main/${workflow.path}`, badge_url: `${shape.html}/workflows/${encodeURIComponent(workflow.name)}/badge.svg`,
  });
}

function runShape(context, run) {
  const { shape, repo } = context;
  const url = `${shape.url}/actions/runs/${run.id}`;
  const workflow = repo.workflows.find(({ id }) => id === run.workflow_id);
  const small = repoShape(context, "minimal-repository");
  return shape.of("workflow-run", {
    ...run, name: workflow?.name ?? "backup", path: workflow?.path ?? ".github/workflows/backup.yml", url,
    node_id: nodeId("WorkflowRun", run.id), html_url: `${shape.html}/actions/runs/${run.id}`, artifacts_url: `${url}/artifacts`,
    jobs_url: `${url}/jobs`, logs_url: `${url}/logs`, check_suite_url: `${shape.url}/check-suites/1`, cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`, workflow_url: `${shape.url}/actions/workflows/${run.workflow_id}`, display_title: workflow?.name ?? "backup",
    head_commit: {
      id: run.head_sha, tree_id: run.head_sha, message: "a change", timestamp: run.created_at,
      author: { name: repo.owner, email: "octo@example.com" }, committer: { name: repo.owner, email: "octo@example.com" },
    },
    run_attempt: 1, run_started_at: run.created_at, actor: shape.user(repo.owner), pull_requests: [], repository: small, head_repository: small,
  });
}

function commitShape({ shape, repo }, { sha, message, date }) {
  const person = { name: repo.owner, email: `${repo.owner}@users.noreply.github.com`, date };
  const url = `${shape.url}/commits/${sha}`;
  return shape.of("commit", {
    sha, node_id: nodeId("Commit", sha), url, html_url: `${shape.html}/commit/${sha}`, comments_url: `${url}/comments`,
    author: shape.user(repo.owner), committer: shape.user(repo.owner), parents: [],
    commit: { url, author: person, committer: person, message, comment_count: 0, tree: { sha, url: `${shape.url}/git/trees/${sha}` } },
  });
}

// -------------------------------------------------------------- operations ---

const one = (list, wanted) => {
  const found = list.find(({ id }) => id === Number(wanted));
  if (!found) throw notFound();
  return found;
};

function listed(context, name, list, shape) {
  const { page, headers } = paged(list, context);
  return { status: 200, headers, body: { total_count: list.length, [name]: page.map((item) => shape(context, item)) } };
}

const newest = (list) => [...list].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : b.id - a.id));

function workflowOf({ repo, params }) {
  const wanted = decodeURIComponent(params.workflow_id);
  const workflow = repo.workflows.find(({ id, path }) => String(id) === wanted || path.split("/").pop() === wanted);
  if (!workflow) throw notFound();
  return workflow;
}

function runsOf({ repo, query }, list) {
  return newest(list).filter((run) =>
    (!query.event || run.event === query.event) && (!query.branch || run.head_branch === query.branch) &&
    (!query.status || run.status === query.status || run.conclusion === query.status) && repo);
}

const artifactsOf = ({ query }, list) => newest(list).filter(({ name }) => !query.name || name === query.name);

export const actions = {
  "repos/get": (context) => ({ status: 200, body: repoShape(context, "full-repository") }),
  "repos/list-commits": (context) => {
    const { page, headers } = paged(context.repo.commits, context);
    return { status: 200, headers, body: page.map((commit) => commitShape(context, commit)) };
  },
  "actions/list-artifacts-for-repo": (context) => listed(context, "artifacts", artifactsOf(context, context.repo.artifacts), artifactShape),
  "actions/list-workflow-run-artifacts": (context) => {
    const of = context.repo.artifacts.filter(({ run_id }) => run_id === Number(context.params.run_id));
    return listed(context, "artifacts", artifactsOf(context, of), artifactShape);
  },
  "actions/get-artifact": (context) => ({ status: 200, body: artifactShape(context, one(context.repo.artifacts, context.params.artifact_id)) }),
  "actions/delete-artifact": ({ repo, params }) => {
    const gone = one(repo.artifacts, params.artifact_id);
    repo.artifacts = repo.artifacts.filter((artifact) => artifact !== gone);
    return { status: 204 };
  },
  "actions/download-artifact": ({ repo, params, who, signed }) => {
    if (!who) throw new Refusal(401, "Requires authentication");
    const artifact = one(repo.artifacts, params.artifact_id);
    if (params.archive_format !== "zip") throw notFound();
    if (isExpired(repo, artifact)) throw new Refusal(410, "Artifact has expired");
    return { status: 302, headers: { location: signedRead(artifact.blob, repo.settings.signed_seconds, signed) } };
  },
  "actions/list-repo-workflows": (context) => listed(context, "workflows", context.repo.workflows, workflowShape),
  "actions/get-workflow": (context) => ({ status: 200, body: workflowShape(context, workflowOf(context)) }),
  "actions/enable-workflow": (context) => {
    workflowOf(context).state = "active";
    return { status: 204 };
  },
  "actions/disable-workflow": (context) => {
    workflowOf(context).state = "disabled_manually";
    return { status: 204 };
  },
  "actions/list-workflow-runs-for-repo": (context) => listed(context, "workflow_runs", runsOf(context, context.repo.runs), runShape),
  "actions/list-workflow-runs": (context) => {
    const { id } = workflowOf(context);
    return listed(context, "workflow_runs", runsOf(context, context.repo.runs.filter(({ workflow_id }) => workflow_id === id)), runShape);
  },
  "actions/get-workflow-run": (context) => ({ status: 200, body: runShape(context, one(context.repo.runs, context.params.run_id)) }),
};

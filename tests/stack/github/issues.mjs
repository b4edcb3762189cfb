// Issues, their comments, and labels.

import { Refusal, invalid, newId, nodeId, notFound, paged } from "./world.mjs";

const LONGEST = 65_536;
const same = (a, b) => a.toLowerCase() === b.toLowerCase();

function labelShape({ shape }, label) {
  return { ...label, url: `${shape.url}/labels/${encodeURIComponent(label.name)}` };
}

function addLabel(repo, { name, color, description = null }) {
  if (repo.labels.some((label) => same(label.name, name))) throw invalid("Label", "already_exists", "name");
  if (name.length > 50) throw invalid("Label", "invalid", "name");
  if (color !== undefined && !/^[0-9a-f]{6}$/i.test(color)) throw invalid("Label", "invalid", "color");
  if (description?.length > 100) throw invalid("Label", "custom", "description", { message: "description is too long (maximum is 100 characters)" });
  const id = newId();
  const label = { id, node_id: nodeId("Label", id), name, color: color ?? "ededed", default: false, description };
  repo.labels.push(label);
  return label;
}

const findLabel = (repo, name) => repo.labels.find((label) => same(label.name, name));

/** Labels of an issue, by name; a name that is no label yet becomes one. */
function labelsOf(repo, names) {
  const out = [];
  for (const name of names.map((item) => item.name ?? item)) {
    const label = findLabel(repo, name) ?? addLabel(repo, { name });
    if (!out.includes(label)) out.push(label);
  }
  return out;
}

function assigneesOf(repo, logins) {
  for (const value of logins) {
    if (!repo.settings.assignable.some((login) => same(login, value))) throw invalid("Issue", "invalid", "assignees", { value });
  }
  return logins;
}

function long(resource, body) {
  if ((body?.length ?? 0) > LONGEST) {
    throw invalid(resource, "custom", "body", { message: `body is too long (maximum is ${LONGEST} characters)` });
  }
}

function issueShape(context, issue) {
  const { shape, repo } = context;
  const url = `${shape.url}/issues/${issue.number}`;
  const assignees = issue.assignees.map(shape.user);
  return shape.of("issue", {
    id: issue.id, node_id: nodeId("Issue", issue.id), number: issue.number, url, html_url: `${shape.html}/issues/${issue.number}`,
    repository_url: shape.url, labels_url: `${url}/labels{/name}`, comments_url: `${url}/comments`, events_url: `${url}/events`,
    title: issue.title, body: issue.body, state: issue.state, state_reason: issue.state_reason, user: shape.user(issue.author),
    labels: issue.labels.map((label) => labelShape(context, label)), assignees, assignee: assignees[0] ?? null, milestone: null,
    comments: repo.comments.filter((comment) => comment.issue === issue.number).length, locked: false, active_lock_reason: null,
    author_association: issue.author === repo.owner ? "OWNER" : "NONE",
    created_at: issue.created_at, updated_at: issue.updated_at, closed_at: issue.closed_at,
    closed_by: issue.closed_by ? shape.user(issue.closed_by) : null,
    ...(issue.pull_request && { pull_request: { url, html_url: url, diff_url: url, patch_url: url } }),
  });
}

function commentShape({ shape, repo }, comment) {
  return shape.of("issue-comment", {
    id: comment.id, node_id: nodeId("IssueComment", comment.id), url: `${shape.url}/issues/comments/${comment.id}`,
    html_url: `${shape.html}/issues/${comment.issue}#issuecomment-${comment.id}`, issue_url: `${shape.url}/issues/${comment.issue}`,
    body: comment.body, user: shape.user(comment.author), created_at: comment.created_at, updated_at: comment.updated_at,
    author_association: comment.author === repo.owner ? "OWNER" : "NONE",
  });
}

function issueOf({ repo, params }) {
  if (!repo.settings.has_issues) throw new Refusal(410, "Issues has been disabled in this repository.");
  const issue = repo.issues.find(({ number }) => number === Number(params.issue_number));
  if (!issue) throw notFound();
  return issue;
}

/** Opens an issue; also for a test that wants one to be there. */
export function openIssue(repo, { title, body = null, labels = [], assignees = [], assignee, ...given }) {
  if (title.length > 256) throw invalid("Issue", "custom", "title", { message: "title is too long (maximum is 256 characters)" });
  long("Issue", body);
  const now = repo.stamp();
  const issue = {
    id: newId(), number: Math.max(0, ...repo.issues.map(({ number }) => number)) + 1, title, body, state: "open", state_reason: null,
    labels: labelsOf(repo, labels), assignees: assigneesOf(repo, assignee ? [assignee] : assignees), author: repo.settings.actor,
    created_at: now, updated_at: now, closed_at: null, closed_by: null, ...given,
  };
  repo.issues.push(issue);
  return issue;
}

function listed({ repo, query }) {
  const labels = query.labels ? query.labels.split(",") : [];
  const creator = query.creator?.replace(/^app\/(.*)$/, "$1[bot]");
  const wanted = (issue) =>
    (query.state === "all" || issue.state === (query.state ?? "open")) &&
    labels.every((name) => issue.labels.some((label) => same(label.name, name))) &&
    (!creator || same(issue.author, creator)) &&
    (!query.since || issue.updated_at >= new Date(query.since).toISOString().replace(/\.\d+Z$/, "Z")) &&
    (!query.assignee || query.assignee === "*" ? query.assignee !== "*" || issue.assignees.length > 0
      : query.assignee === "none" ? !issue.assignees.length : issue.assignees.some((login) => same(login, query.assignee)));
  const key = { updated: "updated_at", created: "created_at" }[query.sort ?? "created"] ?? "created_at";
  const order = query.direction === "asc" ? 1 : -1;
  return repo.issues.filter(wanted)
    .sort((a, b) => order * (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.number - b.number));
}

export const issues = {
  "issues/list-for-repo": (context) => {
    if (!context.repo.settings.has_issues) throw new Refusal(410, "Issues has been disabled in this repository.");
    const { page, headers } = paged(listed(context), context);
    return { status: 200, headers, body: page.map((issue) => issueShape(context, issue)) };
  },
  "issues/create": (context) => {
    if (!context.repo.settings.has_issues) throw new Refusal(410, "Issues has been disabled in this repository.");
    const { title, body, labels, assignees, assignee } = context.body;
    const issue = openIssue(context.repo, { title, body, labels, assignees, assignee });
    return { status: 201, body: issueShape(context, issue), headers: { location: `${context.shape.url}/issues/${issue.number}` } };
  },
  "issues/get": (context) => ({ status: 200, body: issueShape(context, issueOf(context)) }),
  "issues/update": (context) => {
    const { repo, body } = context;
    const issue = issueOf(context);
    long("Issue", body.body);
    // all or nothing
    const labels = body.labels && labelsOf(repo, body.labels);
    const assignees = body.assignees && assigneesOf(repo, body.assignees);
    if (labels) issue.labels = labels;
    if (assignees) issue.assignees = assignees;
    if (body.title) issue.title = body.title;
    if (body.body !== undefined) issue.body = body.body;
    if (body.state && body.state !== issue.state) {
      const closed = body.state === "closed";
      issue.state = body.state;
      issue.closed_at = closed ? repo.stamp() : null;
      issue.closed_by = closed ? repo.settings.actor : null;
      issue.state_reason = closed ? (body.state_reason ?? "completed") : "reopened";
    }
    issue.updated_at = repo.stamp();
    return { status: 200, body: issueShape(context, issue) };
  },
  "issues/list-comments": (context) => {
    const { number } = issueOf(context);
    const since = context.query.since ? Date.parse(context.query.since) : 0;
    const list = context.repo.comments.filter(({ issue, updated_at }) => issue === number && Date.parse(updated_at) >= since);
    const { page, headers } = paged(list, context);
    return { status: 200, headers, body: page.map((comment) => commentShape(context, comment)) };
  },
  "issues/create-comment": (context) => {
    const { repo, body: { body } } = context;
    const issue = issueOf(context);
    if (!body.trim()) throw invalid("IssueComment", "unprocessable", "data", { message: "Body cannot be blank" });
    long("IssueComment", body);
    const now = repo.stamp();
    const comment = { id: newId(), issue: issue.number, body, author: repo.settings.actor, created_at: now, updated_at: now };
    repo.comments.push(comment);
    issue.updated_at = now;
    return { status: 201, body: commentShape(context, comment) };
  },
  "issues/get-comment": (context) => ({ status: 200, body: commentShape(context, commentOf(context)) }),
  "issues/update-comment": (context) => {
    const comment = commentOf(context);
    long("IssueComment", context.body.body);
    Object.assign(comment, { body: context.body.body, updated_at: context.repo.stamp() });
    return { status: 200, body: commentShape(context, comment) };
  },
  "issues/delete-comment": (context) => {
    const comment = commentOf(context);
    context.repo.comments = context.repo.comments.filter((other) => other !== comment);
    return { status: 204 };
  },
  "issues/list-labels-for-repo": (context) => {
    const { page, headers } = paged(context.repo.labels, context);
    return { status: 200, headers, body: page.map((label) => labelShape(context, label)) };
  },
  "issues/create-label": (context) => ({ status: 201, body: labelShape(context, addLabel(context.repo, context.body)) }),
  "issues/get-label": (context) => ({ status: 200, body: labelShape(context, labelOf(context)) }),
  "issues/update-label": (context) => {
    const { new_name, color, description } = context.body;
    const label = labelOf(context);
    const other = new_name && findLabel(context.repo, new_name);
    if (other && other !== label) throw invalid("Label", "already_exists", "name");
    Object.assign(label, new_name && { name: new_name }, color && { color }, description !== undefined && { description });
    return { status: 200, body: labelShape(context, label) };
  },
  "issues/delete-label": (context) => {
    const gone = labelOf(context);
    context.repo.labels = context.repo.labels.filter((label) => label !== gone);
    for (const issue of context.repo.issues) issue.labels = issue.labels.filter((label) => label !== gone);
    return { status: 204 };
  },
  "issues/list-labels-on-issue": (context) => labelsAnswer(context, (labels) => labels),
  "issues/add-labels": (context) => labelsAnswer(context, (labels, named) => [...new Set([...labels, ...named])]),
  "issues/set-labels": (context) => labelsAnswer(context, (_, named) => named),
  "issues/remove-label": (context) => {
    const gone = labelOf(context);
    if (!issueOf(context).labels.includes(gone)) throw new Refusal(404, "Label does not exist");
    return labelsAnswer(context, (labels) => labels.filter((label) => label !== gone));
  },
};

function labelsAnswer(context, change) {
  const issue = issueOf(context);
  const named = context.body ? labelsOf(context.repo, context.body.labels ?? context.body) : [];
  issue.labels = change(issue.labels, named);
  return { status: 200, body: issue.labels.map((label) => labelShape(context, label)) };
}

function commentOf({ repo, params }) {
  const comment = repo.comments.find(({ id }) => id === Number(params.comment_id));
  if (!comment) throw notFound();
  return comment;
}

function labelOf({ repo, params }) {
  const label = findLabel(repo, params.name);
  if (!label) throw notFound();
  return label;
}

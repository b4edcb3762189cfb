// The runner's artifact service, which only the steps of a run see: Twirp with JSON, as @actions/artifact speaks it.

import { createHash } from "node:crypto";

import { Repo, newId, stamp } from "./world.mjs";
import { readBlob, signedRead, signedWrite } from "./blobs.mjs";
import { addArtifact } from "./actions.mjs";

export const SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService/";

class Twirp extends Error {
  constructor(status, code, msg) {
    super(msg);
    Object.assign(this, { status, body: { code, msg } });
  }
}
const wrong = (what) => new Twirp(400, "invalid_argument", what);

const IDS = ["workflow_run_backend_id", "workflow_job_run_backend_id"];

/** Fields by method: what there is, and what there must be. */
const FIELDS = {
  CreateArtifact: [[...IDS, "name", "version", "expires_at", "mime_type"], [...IDS, "name", "version"]],
  FinalizeArtifact: [[...IDS, "name", "size", "hash"], [...IDS, "name", "size"]],
  ListArtifacts: [[...IDS, "name_filter", "id_filter"], IDS],
  GetSignedArtifactURL: [[...IDS, "name"], [...IDS, "name"]],
  DeleteArtifact: [[...IDS, "name"], [...IDS, "name"]],
};

const snake = (object) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));

const METHODS = {
  CreateArtifact: (repo, { name, version, expires_at, mime_type }, signed) => {
    if (typeof name !== "string" || !name || /["<>:|*?\r\n\\/]/.test(name)) throw wrong(`the name ${JSON.stringify(name)} is not allowed`);
    if (version !== 4 && version !== 7) throw wrong(`there is no version ${version}`);
    if (mime_type !== undefined && version < 7) throw wrong("only version 7 has a mime type");
    if (expires_at !== undefined && !/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(expires_at)) throw wrong("expires_at is no RFC 3339 time");
    const there = ({ artifact }) => !artifact || repo.artifacts.some(({ id }) => id === artifact);
    if (repo.uploads.some((upload) => upload.name === name && there(upload))) {
      throw new Twirp(409, "already_exists", "an artifact with this name already exists on the workflow run");
    }
    if (repo.uploads.length >= repo.settings.max_artifacts) throw new Twirp(429, "resource_exhausted", "too many artifacts");
    const blob = `${repo.full}/workflow-job-run-${repo.job_backend}/${newId()}${version < 7 ? ".zip" : ""}`;
    repo.uploads.push({ name, version, expires_at, mime_type, blob });
    return { ok: true, signed_upload_url: signedWrite(blob, repo.settings.signed_seconds, signed) };
  },
  FinalizeArtifact: async (repo, { name, size, hash }) => {
    const upload = repo.uploads.find((one) => one.name === name && !one.artifact);
    if (!upload) throw new Twirp(404, "not_found", `no artifact ${name} waits to be finalized`);
    if (typeof size !== "string" || !/^\d+$/.test(size)) throw wrong("size is a decimal number in a string");
    const bytes = await readBlob(upload.blob);
    if (!bytes) throw new Twirp(404, "not_found", "nothing was uploaded");
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (Number(size) !== bytes.length) throw wrong(`size is ${size}, and ${bytes.length} bytes were uploaded`);
    if (hash !== undefined && hash !== digest) throw wrong(`hash is ${hash}, and the upload has ${digest}`);
    // retention is the most that an upload may ask for
    const most = repo.now().getTime() + repo.settings.retention_days * 86_400_000;
    const expires_at = upload.expires_at && stamp(new Date(Math.min(most, Date.parse(upload.expires_at))));
    const artifact = await addArtifact(repo, { name, blob: upload.blob, bytes, run_id: repo.run_id, expires_at });
    upload.artifact = artifact.id;
    return { ok: true, artifact_id: String(artifact.id) };
  },
  ListArtifacts: (repo, { name_filter, id_filter }) => ({
    artifacts: ofRun(repo)
      .filter(({ id, name }) => (!name_filter || name === name_filter) && (!id_filter || String(id) === String(id_filter)))
      .map((artifact) => ({
        workflow_run_backend_id: repo.run_backend, workflow_job_run_backend_id: repo.job_backend, database_id: String(artifact.id),
        name: artifact.name, size: String(artifact.size_in_bytes), created_at: artifact.created_at, digest: artifact.digest,
      })),
  }),
  GetSignedArtifactURL: (repo, { name }, signed) => {
    const artifact = one(repo, name);
    return { name, signed_url: signedRead(artifact.blob, repo.settings.signed_seconds, signed) };
  },
  DeleteArtifact: (repo, { name }) => {
    const artifact = one(repo, name);
    repo.artifacts = repo.artifacts.filter((other) => other !== artifact);
    repo.uploads = repo.uploads.filter((upload) => upload.artifact !== artifact.id);
    return { ok: true, artifact_id: String(artifact.id) };
  },
};

const ofRun = (repo) => repo.artifacts.filter(({ run_id }) => run_id === repo.run_id);

function one(repo, name) {
  const artifact = ofRun(repo).find((other) => other.name === name);
  if (!artifact) throw new Twirp(404, "not_found", `there is no artifact ${name}`);
  return artifact;
}

/** The repository whose run has this token. */
export const runOf = (request) => Repo.ofRuntimeToken(/^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1]);

export async function runnerService(repo, request, signed) {
  const method = request.path.slice(SERVICE.length);
  try {
    if (!repo) throw new Twirp(401, "unauthenticated", "the token is not that of a run");
    if (!METHODS[method]) throw new Twirp(404, "bad_route", `no method ${method}`);
    if (request.method !== "POST") throw new Twirp(404, "bad_route", "POST only");
    if (!/^application\/json/.test(request.headers["content-type"] ?? "")) throw new Twirp(404, "bad_route", "unexpected Content-Type");
    let fields;
    try {
      fields = snake(JSON.parse(await request.bytes()));
    } catch {
      throw new Twirp(400, "malformed", "the body is no JSON object");
    }
    const [known, must] = FIELDS[method];
    for (const key of Object.keys(fields)) if (!known.includes(key)) throw wrong(`${method} has no field ${key}`);
    for (const key of must) if (fields[key] === undefined) throw wrong(`${method} needs ${key}`);
    if (fields[IDS[0]] !== repo.run_backend || fields[IDS[1]] !== repo.job_backend) {
      throw new Twirp(403, "permission_denied", "these are not the ids of the token's run and job");
    }
    return { status: 200, body: await METHODS[method](repo, fields, signed) };
  } catch (error) {
    if (!(error instanceof Twirp)) throw error;
    if (error.status === 400) repo?.violation(`${method}: ${error.message}`, `POST ${request.path}`);
    return { status: error.status, body: error.body };
  }
}

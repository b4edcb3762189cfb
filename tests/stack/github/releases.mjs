// Releases and their assets. The bytes of assets are in memory.

import { createHash, randomBytes } from "node:crypto";

import { Refusal, invalid, may, newId, nodeId, notFound, paged } from "./world.mjs";

const sha256 = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** GitHub renames what is not plain. */
const plainName = (name) => name.replaceAll(/[^A-Za-z0-9._+@-]+/g, ".").replace(/^\./, "default.").replace(/\.$/, "");

function assetShape({ shape, repo }, release, asset) {
  return shape.of("release-asset", {
    id: asset.id, node_id: nodeId("ReleaseAsset", asset.id), url: `${shape.url}/releases/assets/${asset.id}`,
    browser_download_url: `${shape.html}/releases/download/${encodeURIComponent(release.tag_name)}/${asset.name}`,
    name: asset.name, label: asset.label, state: asset.state, content_type: asset.content_type, size: asset.size,
    digest: asset.digest, download_count: asset.download_count, uploader: shape.user(repo.settings.actor),
    created_at: asset.created_at, updated_at: asset.updated_at,
  });
}

function releaseShape(context, release) {
  const { shape, repo } = context;
  const url = `${shape.url}/releases/${release.id}`;
  const tag = release.draft ? `untagged-${release.id.toString(16)}` : release.tag_name;
  return shape.of("release", {
    id: release.id, node_id: nodeId("Release", release.id), url, html_url: `${shape.html}/releases/tag/${tag}`,
    assets_url: `${url}/assets`, upload_url: `${shape.uploads}/releases/${release.id}/assets{?name,label}`,
    tarball_url: release.draft ? null : `${shape.url}/tarball/${release.tag_name}`,
    zipball_url: release.draft ? null : `${shape.url}/zipball/${release.tag_name}`,
    tag_name: release.tag_name, target_commitish: release.target_commitish, name: release.name, body: release.body,
    draft: release.draft, prerelease: release.prerelease, immutable: release.immutable,
    created_at: release.created_at, published_at: release.published_at, updated_at: release.updated_at,
    author: shape.user(repo.settings.actor), assets: release.assets.map((asset) => assetShape(context, release, asset)),
  });
}

/** Drafts are for those who may write. */
const seen = ({ repo, who }) => repo.releases.filter((release) => !release.draft || may(repo, who, "contents", "write"));

function releaseOf(context) {
  const release = seen(context).find(({ id }) => id === Number(context.params.release_id));
  if (!release) throw notFound();
  return release;
}

function assetOf(context) {
  for (const release of seen(context)) {
    const asset = release.assets.find(({ id }) => id === Number(context.params.asset_id));
    if (asset) return { release, asset };
  }
  throw notFound();
}

/** Published releases have tags of their own; drafts may share one. */
function publish(repo, release) {
  if (repo.releases.some((other) => other !== release && !other.draft && other.tag_name === release.tag_name)) {
    throw invalid("Release", "already_exists", "tag_name");
  }
  release.draft = false;
  release.published_at ??= repo.stamp();
  // the date of the commit, which many releases can share
  if (repo.commits.length) release.created_at = repo.commits[0].date;
  release.immutable = repo.settings.immutable_releases;
}

function mutable(release) {
  if (release.immutable) throw new Refusal(422, "Cannot change the assets of an immutable release");
}

export const releases = {
  "repos/list-releases": (context) => {
    const list = seen(context).sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : b.id - a.id));
    const { page, headers } = paged(list, context);
    return { status: 200, headers, body: page.map((release) => releaseShape(context, release)) };
  },
  "repos/create-release": (context) => {
    const { repo, body } = context;
    const now = repo.stamp();
    const release = {
      id: newId(), tag_name: body.tag_name, target_commitish: body.target_commitish ?? repo.settings.default_branch,
      name: body.name ?? null, body: body.body ?? null, draft: true, prerelease: body.prerelease ?? false, immutable: false,
      created_at: now, updated_at: now, published_at: null, assets: [],
    };
    if (!body.draft) publish(repo, release);
    repo.releases.push(release);
    return { status: 201, body: releaseShape(context, release), headers: { location: `${context.shape.url}/releases/${release.id}` } };
  },
  "repos/get-release": (context) => ({ status: 200, body: releaseShape(context, releaseOf(context)) }),
  "repos/get-latest-release": (context) => {
    const release = context.repo.releases.filter(({ draft, prerelease }) => !draft && !prerelease).at(-1);
    if (!release) throw notFound();
    return { status: 200, body: releaseShape(context, release) };
  },
  "repos/get-release-by-tag": (context) => {
    const release = context.repo.releases.find(({ draft, tag_name }) => !draft && tag_name === context.params.tag);
    if (!release) throw notFound();
    return { status: 200, body: releaseShape(context, release) };
  },
  "repos/update-release": (context) => {
    const { repo, body } = context;
    const release = releaseOf(context);
    const changed = { ...release };
    for (const key of ["tag_name", "target_commitish", "name", "body", "prerelease"]) {
      if (body[key] !== undefined) changed[key] = body[key];
    }
    if (release.immutable && changed.tag_name !== release.tag_name) throw new Refusal(422, "Cannot change the tag of an immutable release");
    if (body.draft === true) changed.draft = true;
    Object.assign(release, changed, { updated_at: repo.stamp() });
    if (body.draft === false) publish(repo, release);
    return { status: 200, body: releaseShape(context, release) };
  },
  "repos/delete-release": (context) => {
    const gone = releaseOf(context);
    context.repo.releases = context.repo.releases.filter((release) => release !== gone);
    return { status: 204 };
  },
  "repos/list-release-assets": (context) => {
    const release = releaseOf(context);
    const { page, headers } = paged(release.assets, context);
    return { status: 200, headers, body: page.map((asset) => assetShape(context, release, asset)) };
  },
  "repos/upload-release-asset": async (context) => {
    const { repo, query, request } = context;
    const release = releaseOf(context);
    mutable(release);
    const length = Number(request.headers["content-length"]);
    if (!(length > 0)) throw new Refusal(400, "Bad Content-Length");
    if (length > repo.settings.max_asset_size) {
      throw invalid("ReleaseAsset", "custom", "size", { message: `size must be less than or equal to ${repo.settings.max_asset_size}` });
    }
    const name = plainName(query.name);
    if (release.assets.some((asset) => asset.name === name)) throw invalid("ReleaseAsset", "already_exists", "name");
    if (release.assets.length >= repo.settings.max_assets) {
      throw invalid("ReleaseAsset", "custom", "release", { message: `file_count limited to ${repo.settings.max_assets} assets per release` });
    }
    const now = repo.stamp();
    const asset = {
      id: newId(), name, label: query.label ?? "", state: "starter", content_type: request.headers["content-type"], size: 0,
      digest: null, download_count: 0, created_at: now, updated_at: now,
    };
    release.assets.push(asset);
    // cut here, or told to fail, it stays a starter
    const bytes = await request.bytes();
    if (request.fault?.starter) throw new Refusal(502, "Server Error");
    Object.assign(asset, { state: "uploaded", size: bytes.length, digest: sha256(bytes) });
    Object.defineProperty(asset, "bytes", { value: bytes });
    return { status: 201, body: assetShape(context, release, asset) };
  },
  "repos/get-release-asset": (context) => {
    const { release, asset } = assetOf(context);
    if (!/application\/octet-stream/.test(context.request.headers.accept ?? "")) {
      return { status: 200, body: assetShape(context, release, asset) };
    }
    if (asset.state !== "uploaded") throw notFound();
    asset.download_count += 1;
    return { status: 302, headers: { location: signAsset(context, asset) } };
  },
  "repos/update-release-asset": (context) => {
    const { release, asset } = assetOf(context);
    mutable(release);
    const name = context.body.name && plainName(context.body.name);
    if (name && release.assets.some((other) => other !== asset && other.name === name)) throw invalid("ReleaseAsset", "already_exists", "name");
    if (name) asset.name = name;
    if (context.body.label !== undefined) asset.label = context.body.label;
    return { status: 200, body: assetShape(context, release, asset) };
  },
  "repos/delete-release-asset": (context) => {
    const { release, asset } = assetOf(context);
    mutable(release);
    release.assets = release.assets.filter((other) => other !== asset);
    return { status: 204 };
  },
};

// ------------------------------------------------------------- signed URLs ---

const SIGNED = new Map();

function signAsset({ repo, signed }, asset) {
  const sig = randomBytes(24).toString("base64url");
  const path = `/assets/${repo.full}/${asset.id}`;
  SIGNED.set(sig, { path, asset, until: Date.now() + repo.settings.signed_seconds * 1000 });
  return `${signed}${path}?sp=r&sig=${sig}`;
}

/** The bytes behind a signed address, or a part of them. */
export function signedAsset(request) {
  const known = SIGNED.get(new URLSearchParams(request.search).get("sig"));
  if (!known || known.path !== request.path || known.until < Date.now()) {
    return { status: 403, raw: Buffer.from("<Error><Code>AuthenticationFailed</Code></Error>"), headers: { "content-type": "application/xml" } };
  }
  const { asset } = known;
  const headers = {
    "content-type": asset.content_type, "accept-ranges": "bytes", "content-disposition": `attachment; filename=${asset.name}`,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (!range) return { status: 200, raw: asset.bytes, headers };
  const [start, end] = [Number(range[1]), range[2] ? Math.min(Number(range[2]), asset.size - 1) : asset.size - 1];
  if (start >= asset.size) return { status: 416, raw: Buffer.alloc(0), headers: { "content-range": `bytes */${asset.size}` } };
  return { status: 206, raw: asset.bytes.subarray(start, end + 1), headers: { ...headers, "content-range": `bytes ${start}-${end}/${asset.size}` } };
}

// Where artifacts are: Azurite, Azure's own emulator, behind signed addresses as GitHub hands them out.

import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { request as send } from "node:http";

const ACCOUNT = "results";
const KEY = randomBytes(32).toString("base64");
const CONTAINER = "artifacts";
const VERSION = "2021-12-02";

// Runs its arguments until standard input ends: nothing outlives the tests.
const KEEPER = '"$@" & server=$!; cat >/dev/null; kill "$server"; wait "$server"';

const hmac = (lines) => createHmac("sha256", Buffer.from(KEY, "base64")).update(lines.join("\n")).digest("base64");

let started;
let parts;
export const partsIn = (directory) => (parts = directory);

/** The emulator's port; it is started by the first who asks. */
const port = () => (started ??= start());

async function start() {
  const child = spawn("bash", [
    "-c", KEEPER, "keeper", process.execPath, `${parts}/../azurite/node_modules/azurite/dist/src/blob/main.js`,
    "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
  ], { env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` }, stdio: ["pipe", "pipe", "ignore"] });
  const found = await new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
      const at = /successfully listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said);
      if (at) resolve(Number(at[1]));
    });
    child.on("exit", (code) => reject(new Error(`Azurite ended with ${code}: ${said}`)));
  });
  const date = new Date().toUTCString();
  const path = `/${ACCOUNT}/${CONTAINER}`;
  const text = ["PUT", ...Array(11).fill(""), `x-ms-date:${date}`, `x-ms-version:${VERSION}`, `/${ACCOUNT}${path}`, "restype:container"];
  const made = await forwarded(found, "PUT", `${path}?restype=container`, {
    "x-ms-date": date, "x-ms-version": VERSION, "content-length": 0, authorization: `SharedKey ${ACCOUNT}:${hmac(text)}`,
  });
  if (made.status !== 201) throw new Error(`Azurite made no container: ${made.status} ${made.raw}`);
  return found;
}

/** A path with a signature (SAS) for one blob. */
function signed(blob, rights, seconds) {
  const until = new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const canonical = `/blob/${ACCOUNT}/${CONTAINER}/${blob}`;
  const sig = hmac([rights, "", until, canonical, "", "", "", VERSION, "b", "", "", "", "", "", "", ""]);
  const query = new URLSearchParams({ sv: VERSION, sr: "b", sp: rights, se: until, sig });
  return `/${ACCOUNT}/${CONTAINER}/${encodeURI(blob)}?${query}`;
}

export const signedWrite = (blob, seconds, base) => base + signed(blob, "cw", seconds);
export const signedRead = (blob, seconds, base) => base + signed(blob, "r", seconds);
export const isBlobPath = (path) => path.startsWith(`/${ACCOUNT}/`);

/** Whose blob it is: `/results/artifacts/OWNER/REPO/…`. */
export const ownerOf = (path) => path.split("/").slice(3, 5).map(decodeURIComponent);

/** What Azurite answers. */
export async function blobRequest(method, target, headers, body) {
  return forwarded(await port(), method, target, headers, body);
}

function forwarded(port, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = send({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, raw: Buffer.concat(chunks) }));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function storeBlob(blob, bytes, type) {
  const answer = await blobRequest("PUT", signed(blob, "cw", 600), {
    "x-ms-blob-type": "BlockBlob", "x-ms-version": VERSION, "content-type": type, "content-length": bytes.length,
  }, bytes);
  if (answer.status !== 201) throw new Error(`Azurite stored nothing: ${answer.status} ${answer.raw}`);
}

/** The bytes of a blob, or null where there is none. */
export async function readBlob(blob) {
  const answer = await blobRequest("GET", signed(blob, "r", 600), { "x-ms-version": VERSION });
  return answer.status === 200 ? answer.raw : null;
}

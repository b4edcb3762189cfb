// What goes wrong because a test says so.
//
// A rule says which requests it is for, all of which must fit: `method`, `path` (a regular expression on the path
// without a prefix), `host`; when: `skip` requests first, then `times` (default 1, -1 for ever); and what happens:
//   status, headers, message, body   this answer instead of acting; with `after`, after acting; text is sent as HTML
//   limited: SECONDS                 403 (or `status`), rate limit used up until then; `secondary: SECONDS` the other limit
//   cut                              the connection ends before anything is read
//   lose                             it acts, and the connection ends before the answer
//   starter                          an upload that answers 502 and leaves its asset behind
//   truncate: BYTES                  so much of the body, then the connection ends
//   corrupt                          one byte of the body differs
//   delay_ms                         first it waits

const KEYS = new Set([
  "method", "path", "host", "skip", "times", "status", "headers", "message", "body", "after", "limited", "secondary", "cut", "lose",
  "starter", "truncate", "corrupt", "delay_ms",
]);

export function rule(given) {
  for (const key of Object.keys(given)) if (!KEYS.has(key)) throw new Error(`a fault has no ${key}`);
  const made = { times: 1, skip: 0, hit: 0 };
  if (given.limited !== undefined) Object.assign(made, { status: 403, message: "API rate limit exceeded for installation ID 1." });
  if (given.secondary !== undefined) {
    Object.assign(made, { status: 403, message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again." });
  }
  Object.assign(made, given);
  return made;
}

/** The first rule that is for this request; it counts as used. */
export function faultFor(repo, request) {
  for (const [index, one] of (repo?.faults ?? []).entries()) {
    if (one.method && one.method !== request.method) continue;
    if (one.host && one.host !== request.host) continue;
    if (one.path && !new RegExp(one.path).test(request.path)) continue;
    if (one.skip > 0) {
      one.skip -= 1;
      continue;
    }
    if (one.times >= 0 && one.hit >= one.times) continue;
    one.hit += 1;
    const headers = { ...one.headers };
    if (one.limited !== undefined) {
      headers["x-ratelimit-remaining"] = 0;
      headers["x-ratelimit-reset"] = Math.ceil(Date.now() / 1000) + one.limited;
    }
    if (one.secondary !== undefined) headers["retry-after"] = one.secondary;
    return { ...one, headers, rule: index };
  }
  return undefined;
}

export function damaged(raw, fault) {
  if (!fault?.corrupt || !raw.length) return raw;
  const copy = Buffer.from(raw);
  copy[copy.length >> 1] ^= 1;
  return copy;
}

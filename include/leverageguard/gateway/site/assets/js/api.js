// Talks to the API: JSON in, JSON out, problem details as errors with words for people.

import { coded, t } from "./i18n.js";

const BASE = new URL("../../api/v1/", import.meta.url);
let token = null;
let whenRefused = () => {};

/** What the API refused, or that it could not be reached. `fields` maps a field to its fault. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    const code = body.code ?? "";
    const wait = status === 429 ? t("problem.wait", { n: retryAfter || 60 }) : "";
    super([coded("problem", code, body.detail || t("problem.unknown")), wait].filter(Boolean).join(" "));
    this.status = status;
    this.code = code;
    this.detail = body.detail ?? "";
    this.request = body.instance ?? "";
    this.fields = Object.fromEntries(
      (body.errors ?? []).map((one) => [String(one.field ?? "").split(".").pop(), one.message]),
    );
  }
}

/** Send this token with every request from now on; null sends none. */
export function carry(newToken) { token = newToken; }

/** Call this when a request is refused for want of a valid token. */
export function onRefused(listener) { whenRefused = listener; }

/** A key of its own for one write: sent again with the same key, it happens once. */
export const onceKey = () => `page-${crypto.randomUUID()}`;

async function send(method, path, { body, key, raw, etag } = {}) {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), {
      method, headers, body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      credentials: "omit", cache: "no-store",
    });
  } catch {
    throw new Problem(0, { code: "UNREACHABLE" });
  }
  if (answer.ok || answer.status === 304) return answer;
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && token) whenRefused();
  throw new Problem(answer.status, told, answer.headers.get("Retry-After"));
}

/** The JSON of a resource. */
export const get = async (path) => (await send("GET", path)).json();

/** Tell `onNew` of a resource now and whenever it changed, `onFault` of each time it was not there.
 *  It is asked for every `seconds` while the page is looked at; what has not changed is not sent. */
export function follow(path, seconds, onNew, onFault = () => {}) {
  let etag = null;
  const look = async () => {
    if (etag && document.hidden) return;
    try {
      const answer = await send("GET", path, { etag });
      if (answer.status === 304) return;
      etag = answer.headers.get("ETag");
      await onNew(await answer.json());
    } catch (error) {
      onFault(error);
    }
  };
  setInterval(look, seconds * 1000);
  return look();
}

/** The file of a resource, as a blob. */
export const file = async (path) => (await send("GET", path)).blob();

/** Write, and the JSON of the answer. */
export const post = async (path, body = {}, key) => (await send("POST", path, { body, key })).json();

/** Every item of a listing that is paged. */
export async function all(path) {
  const items = [];
  let cursor = null;
  do {
    const more = new URLSearchParams({ limit: "100", ...(cursor ? { cursor } : {}) });
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}${more}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

// A line at the foot of pages that other programs wrote: which snapshot stands, and since when.

const OVERVIEW = new URL("../../api/v1/overview", import.meta.url);
const HOME = new URL("../../", import.meta.url);
const SECONDS = 30;
let etag = null;

function told(now) {
  const world = now.is_simulated ? "SIMULATED world · " : "";
  if (!now.published_at) return `${world}nothing is published yet`;
  return `${world}figures as published ${now.published_at.slice(0, 16).replace("T", " ")} UTC · snapshot ${now.snapshot_version}`;
}

function line() {
  const made = document.createElement("div");
  made.id = "leverageguard-freshness";
  made.setAttribute("role", "status");
  const style = { position: "fixed", left: "0", right: "0", bottom: "0", zIndex: "9999", padding: "4px 12px", font: "13px/1.4 system-ui, sans-serif", background: "#16324f", color: "#ffffff", display: "flex", gap: "1em" };
  Object.assign(made.style, style);
  const text = document.createElement("span");
  const home = document.createElement("a");
  home.href = HOME.href;
  home.target = "_top";
  home.textContent = "Overview";
  home.style.color = "#ffffff";
  made.append(text, home);
  document.body.append(made);
  document.body.style.paddingBottom = "32px";
  return text;
}

async function look(text) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const answer = await fetch(OVERVIEW, { headers, credentials: "omit", cache: "no-store" });
  if (answer.ok) {
    etag = answer.headers.get("ETag");
    text.textContent = told(await answer.json());
  } else if (answer.status !== 304) {
    text.textContent = `freshness is not known: the gateway answers ${answer.status}`;
  }
}

const text = line();
const again = () => look(text).catch(() => { text.textContent = "freshness is not known: the gateway does not answer"; });
await again();
setInterval(again, SECONDS * 1000);

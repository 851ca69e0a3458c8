// The trader's page: which view is shown follows the address's fragment.

import { get } from "./api.js";
import { announce, h, show } from "./dom.js";
import { speak, t } from "./i18n.js";
import { card, fault, learnExplorers } from "./parts.js";
import { onSession, resume, session } from "./session.js";
import { banner, head, links } from "./shell.js";
import { claim } from "./views/claim.js";
import { claims } from "./views/claims.js";
import { cover } from "./views/cover.js";
import { file } from "./views/file.js";
import { home } from "./views/home.js";
import { policies } from "./views/policies.js";

const VIEWS = { cover, policies, claims, claim, file };
const TABS = { claim: "claims", file: "policies" };
let leave = () => {};

function route() {
  const [, name = "", ...rest] = location.hash.split("/");
  if (!session()) return { name: "home", view: home, rest: [] };
  return name in VIEWS ? { name, view: VIEWS[name], rest: rest.map(decodeURIComponent) } : { name: "cover", view: cover, rest: [] };
}

/** Draw the view of the address; what the last one had running is stopped. */
async function draw() {
  leave();
  const stop = new AbortController();
  leave = () => stop.abort();
  const { name, view, rest } = route();
  head(links(TABS[name] ?? name), draw);
  document.title = `${t(`title.${name}`)} · LeverageGuard`;
  const main = document.getElementById("main");
  const place = h("div", { class: "stack" }, h("p", { class: "soft" }, t("loading")));
  show(main, place);
  try {
    await view(place, { rest, signal: stop.signal });
    announce(document.title);
  } catch (error) {
    if (!stop.signal.aborted) show(place, card(t("problem.title"), fault(error)));
  }
}

async function start() {
  await speak();
  resume();
  onSession(() => {
    if (!session()) location.hash = "#/";
    draw();
  });
  addEventListener("hashchange", () => { document.getElementById("main").focus(); draw(); });
  get("transparency").then((now) => {
    banner(now.is_simulated);
    learnExplorers(now.chains);
  }).catch(() => get("version").then((told) => banner(told.is_simulated)).catch(() => {}));
  await draw();
}

start();

// What stands around every page: banner, heading, language, wallet, foot.

import { follow } from "./api.js";
import { h, show } from "./dom.js";
import { language, LANGUAGES, speak, t } from "./i18n.js";
import { short, when } from "./format.js";
import { session, signOut } from "./session.js";

const at = (path) => new URL(path, import.meta.url).href;
const APP = at("../../app/");
const TRANSPARENCY = at("../../transparency/");
const OVERVIEW = at("../../");
let published = null;
let isFollowed = false;

/** How fresh the figures are, at the foot of every page. */
function freshness() {
  const place = document.getElementById("freshness");
  if (place) place.textContent = published ? t("foot.published", { at: when(published) }) : "";
}

function follows() {
  if (isFollowed) return;
  isFollowed = true;
  follow("overview", 30, (now) => { published = now.published_at; freshness(); });
}

/** Mark the page when its world is made up. */
export function banner(isSimulated) {
  const place = document.getElementById("banner");
  if (isSimulated) show(place, h("p", { class: "banner" }, h("strong", null, "SIMULATED"), " ", t("banner.simulated")));
  else show(place);
}

function other(again) {
  const next = Object.keys(LANGUAGES).find((one) => one !== language());
  return h("button", {
    type: "button", class: "button quiet small", lang: next === "zh" ? "zh-Hans" : "en",
    onclick: async () => { await speak(next); again(); },
  }, LANGUAGES[next]);
}

/** The heading: `links` are [href, text, isHere], `again` draws the page in another language. */
export function head(links, again) {
  const who = session();
  show(document.getElementById("head"), h("div", { class: who ? "inner signed-in" : "inner" },
    h("a", { class: "brand", href: APP }, h("img", { src: at("../mark.svg"), alt: "" }), h("span", null, "LeverageGuard")),
    h("nav", { "aria-label": t("nav.label") }, h("ul", null, links.map(([href, text, isHere]) =>
      h("li", null, h("a", { href, "aria-current": isHere ? "page" : null }, text))))),
    h("div", { class: "side" },
      other(again),
      who && h("span", { class: "badge live hash", title: who.address }, short(who.address)),
      who && h("button", { type: "button", class: "button plain small", onclick: signOut }, t("sign_out")))));
  document.querySelector(".skip").textContent = t("skip");
  show(document.getElementById("foot"), h("div", { class: "inner" },
    h("span", null, t("foot.promise")),
    h("span", { id: "freshness" }),
    h("a", { href: OVERVIEW }, t("nav.overview")),
    h("a", { href: at("../../api/docs") }, t("foot.api"))));
  freshness();
  follows();
}

/** The links of the heading; `here` is a view's name "transparency" or "overview". */
export function links(here) {
  const views = session() ? ["cover", "policies", "claims"] : ["home"];
  return [
    ...views.map((one) => [`${APP}#/${one === "home" ? "" : one}`, t(`nav.${one}`), one === here]),
    [TRANSPARENCY, t("nav.transparency"), here === "transparency"],
    ...(here === "overview" ? [[OVERVIEW, t("nav.overview"), true]] : []),
  ];
}

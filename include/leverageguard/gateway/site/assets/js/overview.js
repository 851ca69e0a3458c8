// Where every page is, how fresh the figures are, and whether anything is halted; for anybody.

import { follow } from "./api.js";
import { h, show } from "./dom.js";
import { count, span, times, when } from "./format.js";
import { coded, speak, t } from "./i18n.js";
import { card, fault, figures, lines, notice } from "./parts.js";
import { resume } from "./session.js";
import { banner, head, links } from "./shell.js";

const GROUPS = {
  data: ["quality", "dbt", "reports", "sql"],
  work: ["runs", "reviews"],
  people: ["trader", "transparency", "api"],
};
let last = null;

function draw() {
  head(links("overview"), draw);
  document.title = `${t("title.overview")} · LeverageGuard`;
  const place = document.getElementById("main");
  if (last === null) show(place, h("p", { class: "soft" }, t("loading")));
  else show(place, h("div", { class: "stack" }, ...page(last)));
}

function page(now) {
  banner(now.is_simulated);
  return [
    h("div", { class: "hero" }, h("h1", null, t("overview.title")), h("p", { class: "lede" }, t("overview.lede"))),
    figures([
      [t("overview.published"), when(now.published_at), now.snapshot_version ?? t("overview.nothing")],
      [t("overview.valued"), when(now.valued_at), t("overview.solvency", { ratio: times(now.solvency_ratio_ppm) })],
      [t("overview.open_claims"), shown(now.open_claim_count), t("overview.undetermined", { n: shown(now.undetermined_count) })],
      [t("overview.incidents"), shown(now.open_incident_count), t("overview.incidents_how")],
    ]),
    now.halts.length
      ? notice("bad", t("overview.halted", { what: now.halts.map((one) => coded("halt", one, one)).join(", ") }))
      : notice("good", t("overview.running")),
    sources(now.sources),
    h("div", { class: "grid halves even" }, 
      group("dashboards", now.places.filter((one) => one.url.includes("/superset/dashboard/"))),
      Object.entries(GROUPS).map(([name, names]) => group(name, now.places.filter((one) => names.includes(one.name))))),
  ];
}

/** How far each venue and chain was read when the figures were published. */
function sources(found) {
  if (!found.length) return null;
  return card(t("overview.sources"), lines(found.map((one) =>
    [one.source_name, t("overview.lag", { span: span(one.lag_seconds) }), t("overview.complete", { at: when(one.complete_to_at) })])));
}

const shown = (value) => (value === null ? "–" : count(value));

function group(name, places) {
  // Inside Airflow's frame a page of another server would not open.
  const target = window.top === window.self ? null : "_blank";
  return card(t(`group.${name}`), h("ul", { class: "list" }, places.map((one) =>
    h("li", null, h("a", { href: one.url, target }, coded("place", one.name, one.title)), " ",
      h("span", { class: "soft small" }, t(`needs.${one.needs}`))))));
}

await speak();
resume();
draw();
follow("overview", 10, (now) => { last = now; draw(); }, (error) => {
  if (last === null) show(document.getElementById("main"), card(t("problem.title"), fault(error)));
});

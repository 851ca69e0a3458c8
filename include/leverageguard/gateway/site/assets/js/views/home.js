// Before the wallet is connected: what this is, how it goes, and what the pool stands on.

import { get } from "../api.js";
import { h, show } from "../dom.js";
import { count, times } from "../format.js";
import { t } from "../i18n.js";
import { amount, button, figures } from "../parts.js";
import { signIn } from "../session.js";
import { isThere } from "../wallet.js";

export async function home(place) {
  const told = h("div");
  const pool = h("div");
  show(place,
    h("div", { class: "hero" },
      h("h1", null, t("home.title")),
      h("p", { class: "lede" }, t("home.lede")),
      h("div", { class: "row" }, button(t("connect"), signIn, { place: told })),
      told,
      !isThere() && h("p", { class: "soft small" }, t("wallet.none"))),
    pool,
    h("ol", { class: "steps" }, ["bind", "buy", "paid"].map((one) =>
      h("li", null, h("h2", null, t(`home.${one}`)), h("p", { class: "soft" }, t(`home.${one}_how`))))));
  get("transparency").then((now) => show(pool, poolFigures(now))).catch(() => {});
}

const poolFigures = ({ kpis, adequacy }) => figures([
  [t("kpi.balance"), amount(kpis.balance_micro_usdc, 0)],
  [t("kpi.paid"), amount(kpis.paid_micro_usdc, 0)],
  [t("kpi.paid_claims"), count(kpis.paid_claim_count)],
  [t("kpi.solvency"), times(adequacy?.solvency_ratio_ppm), t("kpi.solvency_how")],
]);

// What the pool earned, paid and owes, and its last batches with their proofs; for anybody.

import { follow, get, post } from "./api.js";
import { bars } from "./charts.js";
import { h, show } from "./dom.js";
import { count, percent, times, usdc, when } from "./format.js";
import { coded, speak, t } from "./i18n.js";
import { amount, badge, button, card, copyable, fault, figures, learnExplorers, lines, notice, proved, transaction } from "./parts.js";
import { resume } from "./session.js";
import { banner, head, links } from "./shell.js";

let last = null;
let batches = null;

function draw() {
  head(links("transparency"), draw);
  document.title = `${t("title.transparency")} · LeverageGuard`;
  const main = document.getElementById("main");
  if (last === null) show(main, h("p", { class: "soft" }, t("loading")));
  else {
    const first = !document.getElementById("batches");
    show(main, h("div", { class: "stack" }, ...page(last), list(batches)));
    // A dashboard's row leads to its batch: to the place that the address names, once.
    if (first && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }
}

/** Figures that changed; the batches stay as the reader opened them unless there are others. */
async function renew(now) {
  const found = await get("transparency/batches?limit=10");
  const isSame = JSON.stringify(found) === JSON.stringify(batches);
  const kept = isSame && document.querySelector("#main > .stack > :last-child");
  [last, batches] = [now, found];
  banner(now.is_simulated);
  learnExplorers(now.chains);
  if (kept) show(document.querySelector("#main > .stack"), ...page(now), kept);
  else draw();
}

function page(now) {
  const { kpis } = now;
  return [
    h("div", { class: "hero" }, h("h1", null, t("open.title")), h("p", { class: "lede" }, t("open.lede")),
      h("p", { class: "soft small" }, t("open.as_of", { at: when(now.published_at) }))),
    figures([
      [t("kpi.balance"), amount(kpis.balance_micro_usdc, 0)],
      [t("kpi.premiums"), amount(kpis.premiums_micro_usdc, 0), t("kpi.policies", { n: count(kpis.policy_count) })],
      [t("kpi.paid"), amount(kpis.paid_micro_usdc, 0), t("kpi.of_claims", { n: count(kpis.paid_claim_count), all: count(kpis.claim_count) })],
      [t("kpi.loss_ratio"), percent(kpis.loss_ratio_ppm), t("kpi.loss_ratio_how")],
    ]),
    h("div", { class: "grid halves even" }, money(now.days), adequacy(now.adequacy)),
    h("div", { class: "grid halves even" }, decided(now.verdicts), reasons(now.rejection_reasons)),
  ];
}

function money(days) {
  const label = t("money.label");
  const table = h("table", null,
    h("caption", { class: "unseen" }, label),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, t("money.day")),
      ["premiums", "payouts", "balance"].map((one) => h("th", { scope: "col", class: "number" }, t(`money.${one}`))))),
    h("tbody", null, days.map((one) => h("tr", null, h("td", { class: "nowrap" }, one.day),
      ["premiums", "payouts", "balance"].map((name) => h("td", { class: "number" }, usdc(one[`${name}_micro_usdc`])))))));
  return card(t("money.title"),
    h("div", { class: "legend" }, ["premiums", "payouts"].map((one) => h("span", null, h("i", { class: one }), t(`money.${one}`)))),
    days.length ? bars(days, label) : h("p", { class: "soft" }, t("money.none")),
    h("details", null, h("summary", null, t("money.table")), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table)));
}

function adequacy(now) {
  if (!now) return card(t("adequacy.title"), h("p", { class: "soft" }, t("adequacy.none")));
  const isEnough = now.solvency_ratio_ppm === null || now.solvency_ratio_ppm >= 1_000_000;
  const row = (name, micro, under, tone) => [t(`adequacy.${name}`), `${usdc(micro)} USDC`, under, tone];
  return card(t("adequacy.title"),
    notice(isEnough ? "good" : "bad", now.solvency_ratio_ppm === null ? t("adequacy.no_risk") : t(isEnough ? "adequacy.enough" : "adequacy.short", { ratio: times(now.solvency_ratio_ppm) })),
    lines([
      row("cash", now.cash_micro_usdc),
      row("unearned", `-${now.unearned_micro_usdc}`),
      row("case_reserve", `-${now.case_reserve_micro_usdc}`),
      row("ibnr", `-${now.ibnr_micro_usdc}`),
      row("payable", `-${now.payable_micro_usdc}`),
      now.other_owed_micro_usdc !== "0" && row("other", `-${now.other_owed_micro_usdc}`),
      row("own_funds", now.own_funds_micro_usdc, null, "sum"),
      row("scr", now.scr_1d_micro_usdc, t("adequacy.scr_how", { n: count(now.path_count) })),
    ]),
    h("p", { class: "soft small" }, t("adequacy.at", { at: when(now.valued_at) })));
}

function decided(verdicts) {
  return card(t("decided.title"), lines(verdicts.map((one) => [coded("verdict", one.verdict, one.verdict), count(one.claim_count)])),
    h("p", { class: "soft small" }, t("decided.about")));
}

function reasons(rows) {
  if (!rows.length) return card(t("reasons.title"), h("p", { class: "soft" }, t("reasons.none")));
  return card(t("reasons.title"), lines(rows.map((one) => [coded("check", one.reason_code, one.reason_code), count(one.claim_count)])));
}

function list(batches) {
  const place = h("div", { class: "stack", id: "batches" });
  const more = h("div");
  const add = (page) => {
    place.append(...page.items.map(batch));
    show(more, page.next_cursor && button(t("batches.more"), async () => add(await get(`transparency/batches?limit=10&cursor=${page.next_cursor}`)), { tone: "plain" }));
  };
  add(batches);
  return card(t("batches.title"), h("p", { class: "soft" }, t("batches.about")),
    batches.items.length ? place : h("p", { class: "soft" }, t("batches.none")), more);
}

function batch(one) {
  return h("div", { class: "section", id: `batch-${one.chain_id}-${one.batch_no}` },
    h("div", { class: "row apart" }, h("h3", null, t("batches.name", { n: one.batch_no })), badge("batch", one.status)),
    lines([
      [t("batches.paid"), `${usdc(one.paid_micro_usdc)} USDC`, t("batches.claims", { n: count(one.claim_count) })],
      [t("batches.settled"), when(one.settled_at)],
      [t("batches.transaction"), transaction(one.tx_hash, one.chain_id)],
      [t("batches.root"), one.evidence_root ? copyable(one.evidence_root) : "–"],
    ]),
    h("details", null, h("summary", null, t("batches.payouts", { n: count(one.payouts.length) })),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("batches.name", { n: one.batch_no }) },
        h("table", null,
          h("thead", null, h("tr", null, h("th", { scope: "col" }, t("batches.claim")), h("th", { scope: "col", class: "number" }, "USDC"), h("th", { scope: "col" }, t("batches.proof")))),
          h("tbody", null, one.payouts.map(payout))))));
}

function payout(one) {
  const told = h("div");
  const check = button(t("proof.check"), async () => {
    const found = await post("proofs/verify", { claim_id: one.claim_id });
    show(told, ...proved(found));
  }, { tone: "plain small", place: told });
  return h("tr", null,
    h("td", null, h("span", { class: "hash" }, one.claim_id)),
    h("td", { class: "number" }, usdc(one.amount_micro_usdc, 6)),
    h("td", null, check, told));
}

await speak();
resume();
draw();
await follow("transparency", 15, renew, (error) => {
  if (last === null) show(document.getElementById("main"), card(t("problem.title"), fault(error)));
});

// One claim: where it stands, why, what was paid and how anybody can check it.

import * as api from "../api.js";
import { announce, h, show } from "../dom.js";
import { clock, exact, usdc, when } from "../format.js";
import { coded, t } from "../i18n.js";
import { badge, busy, button, card, fault, field, lines, notice, proved, transaction } from "../parts.js";
import { signed } from "../session.js";

const POLL_MS = 2000;
const SLOW_POLL_MS = 15_000;
/** The way of a claim that is paid, and the states that belong to each step. */
const WAY = [
  ["received", ["RECEIVED", "NOTIFIED"]],
  ["evidence", ["EVIDENCE_PENDING"]],
  ["checked", ["VERIFYING", "ELIGIBLE", "NOT_ELIGIBLE", "MANUAL_REVIEW", "FRAUD_HOLD", "REJECTED", "APPEALED"]],
  ["approved", ["APPROVED"]],
  ["paying", ["BATCHED", "SETTLING", "PAY_UNKNOWN", "PAY_REFUSED"]],
  ["paid", ["PAID"]],
];
const STOPPED = ["NOT_ELIGIBLE", "REJECTED", "WITHDRAWN"];
const OVER = ["PAID", "CLOSED", ...STOPPED];

export async function claim(place, { rest: [id], signal }) {
  let drawn = "";
  const look = async () => {
    const now = await api.get(`claims/${encodeURIComponent(id)}`);
    if (signal.aborted) return;
    const seen = JSON.stringify(now);
    if (seen !== drawn) {
      if (drawn) announce(`${t("claim.now")} ${coded("claim", now.stage, now.stage)}`);
      drawn = seen;
      show(place, ...page(now, look));
    }
    if (!["PAID", "CLOSED"].includes(now.stage)) {
      setTimeout(() => { if (!signal.aborted) look().catch(() => again()); }, OVER.includes(now.stage) ? SLOW_POLL_MS : POLL_MS);
    }
  };
  const again = () => setTimeout(() => { if (!signal.aborted) look().catch(again); }, SLOW_POLL_MS);
  await look();
}

function page(now, look) {
  return [
    h("p", null, h("a", { href: "#/claims" }, `← ${t("claims.title")}`)),
    h("div", { class: "row apart" }, h("h1", null, now.inst_id ?? t("claim.title")), badge("claim", now.stage)),
    h("div", { class: "grid halves" },
      h("div", { class: "stack" }, progress(now), checks(now)),
      h("div", { class: "stack" }, outcome(now), proof(now), actions(now, look))),
  ];
}

/** The step a claim stands at, else the furthest it came to, and when it reached each. */
function reached(now) {
  const placeOf = (state) => WAY.findIndex(([, among]) => among.includes(state));
  const here = placeOf(now.stage);
  const place = here >= 0 ? here : Math.max(0, ...now.moves.map((one) => placeOf(one.stage)));
  const times = WAY.map(([, among]) => now.moves.findLast((one) => among.includes(one.stage))?.at);
  times[0] ??= now.notified_at;
  return { place, times };
}

function progress(now) {
  const { place, times } = reached(now);
  const isPaid = place === WAY.length - 1;
  const isStopped = STOPPED.includes(now.stage) || (now.stage === "CLOSED" && !isPaid);
  const stages = WAY.map(([name], step) => {
    const kind = step < place || isPaid ? "done" : step === place ? (isStopped ? "stopped" : "now") : "later";
    const mark = { done: "✓", stopped: "✕", now: "•", later: "" }[kind];
    return h("li", { class: kind, "aria-current": kind === "now" ? "step" : null },
      h("span", { class: "dot", "aria-hidden": "true" }, mark),
      h("span", { class: "name" }, t(`way.${name}`), h("span", { class: "unseen" }, ` (${t(`way.${kind}`)})`)),
      step <= place && times[step] ? h("time", { datetime: times[step] }, `${clock(times[step])} UTC`) : h("span"),
      (kind === "now" || kind === "stopped") && h("p", { class: "about" }, coded("state_about", now.stage, now.meaning)));
  });
  return card(t("claim.progress"), h("ol", { class: "stages" }, stages));
}

function outcome(now) {
  const paid = now.paid_micro_usdc === "0" ? null : now.paid_micro_usdc;
  const due = paid ?? now.approved_micro_usdc;
  return card(t("claim.outcome"),
    due && due !== "0" && h("div", { class: "price" }, h("div", { class: "amount" }, usdc(due), " ", h("small", null, "USDC")),
      h("p", { class: "soft" }, t(paid ? "claim.was_paid" : "claim.is_due"))),
    lines([
      now.order_id && [t("claim.order"), h("span", { class: "hash" }, now.order_id)],
      [t("claim.filed"), when(now.notified_at)],
      paid && [t("claim.exactly"), `${exact(paid)} USDC`],
      now.payout?.tx_hash && [t("claim.transaction"), transaction(now.payout.tx_hash, now.payout.chain_id)],
    ]));
}

const KIND = { pass: ["pass", "✓"], fail: ["fail", "✕"], unknown: ["unknown", "?"] };

function checks(now) {
  if (!now.checks?.length) return null;
  const kindOf = (one) => (one.result === "fail" && one.is_hold ? ["hold", "!"] : KIND[one.result] ?? KIND.unknown);
  const line = (one) => {
    const [kind, mark] = kindOf(one);
    return h("li", { class: kind },
      h("span", { class: "mark", "aria-hidden": "true" }, mark),
      h("span", { class: "what" }, coded("check", one.code, one.meaning),
        h("span", { class: "unseen" }, ` (${t(`check_result.${kind}`)})`)),
      h("span", { class: "seen" }, one.observed ?? ""));
  };
  const open = now.checks.filter((one) => one.result !== "pass");
  const passed = now.checks.filter((one) => one.result === "pass");
  return card(t("claim.checks", { passed: passed.length, all: now.checks.length }),
    open.length ? h("ul", { class: "checks" }, open.map(line)) : null,
    passed.length ? h("details", null, h("summary", null, t("claim.passed")), h("ul", { class: "checks" }, passed.map(line))) : null);
}

function proof(now) {
  if (!now.claim_id || !now.evidence_root) return null;
  const told = h("div", { class: "stack tight" });
  const check = button(t("proof.check"), async () => {
    const found = await api.post("proofs/verify", { claim_id: now.claim_id });
    show(told, ...proved(found));
  }, { tone: "plain", place: told });
  const download = button(t("proof.download"), async () => {
    const url = URL.createObjectURL(await api.file(`claims/${now.claim_id}/evidence`));
    h("a", { href: url, download: `${now.claim_id}.zip` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }, { tone: "plain", place: told });
  return card(t("proof.title"), h("p", { class: "soft" }, t(now.payout?.tx_hash ? "proof.lede" : "proof.lede_unpaid")), h("div", { class: "row" }, check, download), told);
}

function actions(now, look) {
  const told = h("div");
  const key = api.onceKey();
  const id = now.claim_id ?? now.filing_id;
  if (now.may_appeal) return appeal(now, look, key, told);
  if (!now.may_withdraw) return null;
  return h("details", null, h("summary", null, t("withdraw.title")),
    h("div", { class: "stack tight" }, h("p", { class: "soft" }, t("withdraw.about")),
      h("div", null, button(t("withdraw.submit"), async () => {
        const { signature } = await signed("withdrawal", { claim_id: id });
        await api.post(`claims/${id}/withdraw`, { signature }, key);
        await look();
      }, { tone: "plain", place: told })), told));
}

function appeal(now, look, key, told) {
  const why = field(t("appeal.why"), h("textarea", { maxlength: "2000", required: true }), t("appeal.why_hint"));
  const submit = h("button", { type: "submit", class: "button" }, t("appeal.submit"));
  const form = h("form", { class: "stack", novalidate: true }, why, told, h("div", null, submit));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const statement = why.input.value.trim();
    why.fault(statement ? "" : t("field.required"));
    if (!statement) { why.input.focus(); return; }
    busy(submit, async () => {
      const { signature } = await signed("appeal", { claim_id: now.claim_id, statement });
      await api.post(`claims/${now.claim_id}/appeal`, { statement, signature }, key);
      await look();
    }, told);
  });
  return card(t("appeal.title"), h("p", { class: "soft" }, now.appeal_until_at ? t("appeal.until", { at: when(now.appeal_until_at) }) : t("appeal.about")), form);
}

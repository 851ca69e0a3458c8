// Filing a claim: which order was the liquidation, and the wallet's signature.

import { get, onceKey, post } from "../api.js";
import { announce, h, show } from "../dom.js";
import { usdc, when } from "../format.js";
import { t } from "../i18n.js";
import { busy, card, fault, field, lines, notice } from "../parts.js";
import { signed } from "../session.js";

export async function file(place, { rest: [policyId] }) {
  const policy = await get(`policies/${encodeURIComponent(policyId)}`);
  const order = field(t("file.order"), h("input", { type: "text", autocomplete: "off", spellcheck: "false", required: true }), t("file.order_hint"));
  const told = h("div");
  const submit = h("button", { type: "submit", class: "button" }, t("file.submit"));
  const key = onceKey();
  const form = h("form", { class: "stack", novalidate: true }, order, told, h("div", { class: "row" }, submit,
    h("a", { class: "button plain", href: "#/policies" }, t("cancel"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const orderId = order.input.value.trim();
    order.fault(orderId ? "" : t("field.required"));
    if (!orderId) { order.input.focus(); return; }
    busy(submit, async () => {
      const said = { policy_id: policyId, inst_id: policy.inst_id, order_id: orderId };
      show(told, notice("", t("file.sign_now")));
      announce(t("file.sign_now"));
      try {
        const { signature } = await signed("filing", said);
        const filed = await post("claims", { ...said, signature }, key);
        location.hash = `#/claim/${encodeURIComponent(filed.filing_id)}`;
      } catch (error) {
        for (const [name, message] of Object.entries(error.fields ?? {})) if (name === "order_id") order.fault(message);
        show(told, fault(error));
      }
    });
  });
  show(place,
    h("div", { class: "hero" }, h("h1", null, t("file.title")), h("p", { class: "lede" }, t("file.lede"))),
    h("div", { class: "grid lead" }, card(null, form), card(t("file.policy"), lines([
      [t("file.instrument"), policy.inst_id],
      [t("policies.most"), `${usdc(policy.max_payout_micro_usdc)} USDC`],
      [t("policies.from"), when(policy.cover_start_at)],
      [t("policies.to"), when(policy.cover_end_at)],
    ]))));
  order.input.focus();
}

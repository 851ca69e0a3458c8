// The holder's claims, newest first.

import { all } from "../api.js";
import { h, show } from "../dom.js";
import { when } from "../format.js";
import { t } from "../i18n.js";
import { badge, lines } from "../parts.js";

export async function claims(place) {
  const [found, policies] = await Promise.all([all("claims"), all("policies")]);
  const insured = new Map(policies.map((one) => [one.policy_id, one]));
  show(place,
    h("h1", null, t("claims.title")),
    found.length ? h("div", { class: "list" }, found.map((one) => entry(one, insured.get(one.policy_id)))) : nothing());
}

const nothing = () => h("section", { class: "card empty" },
  h("h2", null, t("claims.none")), h("p", { class: "soft" }, t("claims.none_how")),
  h("a", { class: "button", href: "#/policies" }, t("claims.to_policies")));

function entry(claim, policy) {
  const id = claim.claim_id ?? claim.filing_id;
  return h("a", { class: "card", href: `#/claim/${encodeURIComponent(id)}` },
    h("div", { class: "row apart" }, h("h2", null, policy ? `${policy.inst_id} · ${policy.leverage}×` : id), badge("claim", claim.stage)),
    lines([
      [t("claim.filed"), when(claim.notified_at)],
      [t("claim.since"), when(claim.since_at)],
    ]));
}

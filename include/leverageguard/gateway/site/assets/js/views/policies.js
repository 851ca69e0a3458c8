// The holder's policies, newest first.

import { all, get } from "../api.js";
import { h, show } from "../dom.js";
import { premium, usdc, when } from "../format.js";
import { t } from "../i18n.js";
import { badge, card, lines } from "../parts.js";

const POLL_MS = 5000;
const UNDER_WAY = ["QUOTED", "PAID", "WAITING"];
const NOT_READ_YET = ["QUOTED", "LAPSED"];
const CLAIMABLE = ["PAID", "WAITING", "IN_FORCE", "EXPIRED"];
const MOST_ASKED = 20;

/** What the register has not read from the chain yet, as the chain has it; quotes that ended are left out. */
async function current(listed) {
  const unread = listed.filter((one) => NOT_READ_YET.includes(one.state)).slice(0, MOST_ASKED);
  const asked = await Promise.all(unread.map((one) => get(`policies/${one.policy_id}`)));
  const bought = new Set(asked.filter((one) => one.is_bought).map((one) => one.policy_id));
  return listed
    .map((one) => (bought.has(one.policy_id) ? { ...one, state: "PAID", is_new: true } : one))
    .filter((one) => one.state !== "LAPSED");
}

export async function policies(place, { signal }) {
  const found = await current(await all("policies"));
  if (signal.aborted) return;
  show(place,
    h("div", { class: "row apart" }, h("h1", null, t("policies.title")),
      h("a", { class: "button", href: "#/cover" }, t("policies.buy"))),
    found.length ? h("div", { class: "list" }, found.map(one)) : nothing());
  if (found.some((policy) => UNDER_WAY.includes(policy.state))) {
    setTimeout(() => { if (!signal.aborted) policies(place, { signal }).catch(() => {}); }, POLL_MS);
  }
}

const nothing = () => h("section", { class: "card empty" },
  h("h2", null, t("policies.none")), h("p", { class: "soft" }, t("policies.none_how")),
  h("a", { class: "button", href: "#/cover" }, t("policies.buy")));

function one(policy) {
  return card(null,
    h("div", { class: "row apart" },
      h("h2", null, `${policy.inst_id} · ${policy.leverage}×`), badge("policy", policy.state)),
    lines([
      [t("policies.most"), `${usdc(policy.max_payout_micro_usdc)} USDC`],
      [t("policies.premium"), `${premium(policy.premium_micro_usdc)} USDC`],
      policy.cover_start_at && [t("policies.from"), when(policy.cover_start_at)],
      policy.cover_end_at && [t("policies.to"), when(policy.cover_end_at)],
      policy.file_until_at && [t("policies.file_until"), when(policy.file_until_at)],
    ]),
    policy.is_new && h("p", { class: "soft small" }, t("policies.is_new")),
    CLAIMABLE.includes(policy.state) &&
      h("a", { class: "button plain", href: `#/file/${encodeURIComponent(policy.policy_id)}` }, t("policies.claim")));
}

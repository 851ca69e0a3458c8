// The parts that pages are made of.

import { Problem } from "./api.js";
import { announce, fresh, h } from "./dom.js";
import { coded, t } from "./i18n.js";
import { short, usdc } from "./format.js";
import { WalletError } from "./wallet.js";

const TONES = {
  good: ["PAID", "IN_FORCE", "APPROVED", "settled", "verified"],
  warn: ["MANUAL_REVIEW", "FRAUD_HOLD", "PAY_UNKNOWN", "PAY_REFUSED", "APPEALED", "EVIDENCE_PENDING", "RECOVERY_OPEN"],
  bad: ["REJECTED", "NOT_ELIGIBLE", "VOID", "LAPSED"],
  live: ["RECEIVED", "NOTIFIED", "VERIFYING", "ELIGIBLE", "BATCHED", "SETTLING", "WAITING", "QUOTED", "planned"],
};

/** A state as a small coloured label; the words carry the meaning, the colour repeats it. */
export function badge(family, state) {
  const tone = Object.keys(TONES).find((one) => TONES[one].includes(state)) ?? "";
  return h("span", { class: `badge ${tone}` }, coded(family, state, state));
}

/** What went wrong, in plain words. */
export function words(error) {
  if (error instanceof Problem || error instanceof WalletError) return error.message;
  console.error(error);
  return t("problem.unknown");
}

/** A box that tells something; `tone` is good, warn, bad or nothing. */
export const notice = (tone, ...children) =>
  h("div", { class: `notice ${tone}`, role: tone === "bad" ? "alert" : null }, ...children);

/** A refusal with its request id, so that the operator can be asked about it. */
export function fault(error) {
  announce(words(error));
  const request = error.request && h("div", { class: "small" }, t("problem.request", { id: error.request }));
  return notice("bad", words(error), request);
}

/** A button that is busy while its work runs and shows where it failed in `place`. */
export function button(text, work, { tone = "", place = null } = {}) {
  const made = h("button", { type: "button", class: `button ${tone}` }, text);
  made.addEventListener("click", () => busy(made, work, place));
  return made;
}

/** Run work while a button shows that it runs; a failure is shown in `place`. */
export async function busy(made, work, place) {
  if (made.getAttribute("aria-busy") === "true") return;
  made.setAttribute("aria-busy", "true");
  made.disabled = true;
  place?.replaceChildren();
  try {
    await work();
  } catch (error) {
    const told = fault(error);
    if (place) place.replaceChildren(told);
    else made.after(told);
  } finally {
    made.removeAttribute("aria-busy");
    made.disabled = false;
  }
}

/** A labelled input; `made.input` is the input, `made.fault(text)` says what is wrong with it. */
export function field(label, input, hint) {
  input.id ||= fresh("field");
  const told = h("p", { class: "fault", id: `${input.id}-fault`, hidden: true });
  const hinted = hint && h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  input.setAttribute("aria-describedby", [hinted && hinted.id, told.id].filter(Boolean).join(" "));
  const made = h("div", { class: "field" }, h("label", { for: input.id }, label), input, hinted, told);
  made.input = input;
  made.fault = (text) => {
    told.textContent = text ?? "";
    told.hidden = !text;
    input.setAttribute("aria-invalid", text ? "true" : "false");
  };
  return made;
}

/** A slider with its value beside the label. */
export function slider(label, { min, max, step = 1, value, shown, changed }) {
  const id = fresh("slider");
  const output = h("output", { for: id });
  const input = h("input", { type: "range", id, min: String(min), max: String(max), step: String(step), value: String(value) });
  const update = () => {
    output.textContent = shown(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { update(); changed(Number(input.value)); });
  update();
  return h("div", { class: "field" },
    h("div", { class: "head-line" }, h("label", { for: id }, label), output),
    input,
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", null, shown(min)), h("span", null, shown(max))));
}

/** A few choices of which one is taken. */
export function choices(legend, options, value, changed) {
  const name = fresh("choice");
  return h("fieldset", null,
    h("legend", null, legend),
    h("div", { class: "choices" }, options.map(([key, text]) =>
      h("label", null,
        h("input", { type: "radio", name, value: String(key), checked: key === value, onchange: () => changed(key) }),
        text))));
}

/** A drop-down list of [value, text]. */
export const select = (options, value) =>
  h("select", null, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));

/** Pairs of a name and a figure; a third entry is small print, a fourth a class. */
export const lines = (rows) =>
  h("dl", { class: "lines" }, rows.filter(Boolean).map(([name, value, under, tone]) =>
    h("div", { class: tone ?? "" },
      h("dt", null, name, under && h("span", { class: "under" }, under)), h("dd", null, value))));

/** Large figures side by side: [name, value, note]. */
export const figures = (rows) =>
  h("dl", { class: "figures" }, rows.map(([name, value, note]) =>
    h("div", null, h("dt", null, name), h("dd", null, value), note && h("dd", { class: "note" }, note))));

/** An amount with its unit. */
export const amount = (micro, places = 2) => [usdc(micro, places), " ", h("small", null, "USDC")];

const explorers = new Map();

/** Learn where transactions of each chain can be looked up: [{chain_id, explorer_url}]. */
export function learnExplorers(chains) {
  for (const { chain_id: id, explorer_url: url } of chains) if (url) explorers.set(id, url);
}

/** A transaction: a link where its chain has an explorer, else the hash to copy. */
export function transaction(hash, chainId) {
  if (!hash) return "–";
  const explorer = explorers.get(chainId);
  if (!explorer) return copyable(hash);
  return h("a", { class: "hash", href: `${explorer}/tx/${hash}`, rel: "noopener noreferrer", target: "_blank" }, short(hash));
}

/** A hash that is shown short and copied whole. */
export function copyable(hash) {
  const made = h("button", {
    type: "button", class: "button quiet small hash", title: hash, "aria-label": `${t("copy")}: ${hash}`,
  }, short(hash));
  made.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(hash);
    announce(t("copied"));
    made.textContent = t("copied");
    setTimeout(() => { made.textContent = short(hash); }, 1200);
  });
  return made;
}

/** A card with a heading. */
export function card(title, ...children) {
  return h("section", { class: "card" }, title && h("header", null, h("h2", null, title)), ...children);
}

/** What the check of a package found: the answer, and every line of it. */
export function proved(found) {
  const told = t(found.is_right ? "proof.good" : "proof.bad");
  announce(told);
  return [
    notice(found.is_right ? "good" : "bad", told),
    h("details", null, h("summary", null, t("proof.lines", { n: found.lines.length })),
      h("ul", { class: "checks" }, found.lines.map(proofLine))),
  ];
}

const PROOF_MARKS = { ok: "✓", wrong: "✕", note: "·" };

function proofLine({ what, result, seen }) {
  const kind = result.toLowerCase();
  return h("li", { class: kind },
    h("span", { class: "mark", "aria-hidden": "true" }, PROOF_MARKS[kind]),
    h("span", { class: "what" }, what, h("span", { class: "unseen" }, ` (${t(`proof.${kind}`)})`)),
    h("span", { class: "seen" }, seen));
}

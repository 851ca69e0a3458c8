// Binding an exchange account: a read-only key and the wallet's signature.

import { onceKey, post } from "../api.js";
import { announce, h, show } from "../dom.js";
import { t } from "../i18n.js";
import { busy, card, fault, field, notice, select } from "../parts.js";
import { signed } from "../session.js";

const NAMES = { binanceusdm: "Binance USDⓈ-M", bybit: "Bybit", gate: "Gate", hyperliquid: "Hyperliquid", okx: "OKX" };

/** An exchange's name as people write it. */
export const exchangeName = (exchange) => NAMES[exchange] ?? exchange;

const input = (type) => h("input", { type, autocomplete: "off", spellcheck: "false", required: true });

/** The form; `done(account)` is called with what was bound, `back()` goes without. */
export function bindForm(products, done, back) {
  const venues = Object.fromEntries(products.exchanges.map((one) => [one.exchange, one]));
  const exchanges = Object.keys(venues).sort();
  const fields = {
    exchange: field(t("bind.exchange"), select(exchanges.map((one) => [one, exchangeName(one)]), exchanges.at(-1))),
    uid: field(t("bind.uid"), input("text"), t("bind.uid_hint")),
    api_key: field(t("bind.api_key"), input("text")),
    api_secret: field(t("bind.api_secret"), input("password")),
    passphrase: field(t("bind.passphrase"), input("password")),
  };
  const told = h("div");
  const submit = h("button", { type: "submit", class: "button" }, t("bind.submit"));
  const form = h("form", { class: "stack", novalidate: true },
    fields.exchange, fields.uid, fields.api_key, h("div", { class: "pair" }, fields.api_secret, fields.passphrase),
    told,
    h("div", { class: "row" }, submit,
      back && h("button", { type: "button", class: "button plain", onclick: back }, t("cancel"))));

  const shownFields = () => {
    const venue = venues[fields.exchange.input.value];
    fields.api_key.hidden = venue.is_keyless;
    fields.api_secret.hidden = venue.is_keyless;
    fields.passphrase.hidden = !venue.has_passphrase;
  };
  fields.exchange.input.addEventListener("change", shownFields);
  shownFields();

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const missing = Object.values(fields).filter((one) => !one.hidden && one.input.value.trim() === "");
    for (const one of Object.values(fields)) one.fault(missing.includes(one) ? t("field.required") : "");
    if (missing.length) {
      missing[0].input.focus();
      return;
    }
    busy(submit, () => bind(fields, done, told));
  });
  return h("div", { class: "grid lead" },
    card(t("bind.title"), h("p", { class: "soft" }, t("bind.lede")), form),
    card(t("bind.safe"), h("ul", { class: "bullets" },
      ["read_only", "encrypted", "signature", "one_party"].map((one) => h("li", null, t(`bind.${one}`))))));
}

async function bind(fields, done, told) {
  const value = (name) => (fields[name].hidden ? null : fields[name].input.value.trim());
  const named = { exchange: value("exchange"), uid: value("uid") };
  try {
    show(told, notice("", t("bind.sign_now")));
    announce(t("bind.sign_now"));
    const { signature, message } = await signed("binding", named);
    show(told, notice("", t("bind.asking")));
    const account = await post("accounts", {
      ...named, nonce: Number(message.nonce), signature,
      // At a venue without keys the account is read by its address.
      api_key: value("api_key") ?? named.uid, api_secret: value("api_secret"), passphrase: value("passphrase"),
    }, onceKey());
    await done(account);
    announce(t("bind.done"));
  } catch (error) {
    // The box says it in words; the field it is about is marked and points there.
    for (const [name, message] of Object.entries(error.fields ?? {})) fields[name]?.fault(message === error.detail ? t("field.see") : message);
    show(told, fault(error));
  }
}

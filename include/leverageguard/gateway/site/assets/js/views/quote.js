// A price with its reasons, and the two transactions that buy it.

import { get, onceKey, post } from "../api.js";
import { announce, h, show } from "../dom.js";
import { clock, exact, micro, percent, premium, span, usdc } from "../format.js";
import { coded, t } from "../i18n.js";
import { button, card, choices, field, lines, notice, select, slider, transaction } from "../parts.js";
import { session } from "../session.js";
import * as wallet from "../wallet.js";
import { exchangeName } from "./bind.js";

const PPM = 1_000_000n;

/** The form with sliders, and beside it the price that was quoted. */
export function quoteForm(accounts, product, products, chosen, bindAnother) {
  const asked = {
    account_id: chosen ?? accounts[0].account_id,
    inst_id: null, leverage: 20, principal: 100,
    cover_hours: product.covers.at(-1).cover_hours, side: "either",
  };
  const price = h("div", { class: "stack" });
  const stale = () => show(price, invitation(product, products, asked));
  const instruments = h("div");
  const listInstruments = () => {
    const { exchange } = accounts.find((one) => one.account_id === asked.account_id);
    const sold = products.instruments.filter((one) => one.exchange === exchange);
    asked.inst_id = sold[0].inst_id;
    const list = select(sold.map((one) => [one.inst_id, one.inst_id]), asked.inst_id);
    list.addEventListener("change", () => { asked.inst_id = list.value; stale(); });
    show(instruments, field(t("quote.instrument"), list));
  };
  const account = select(accounts.map((one) => [one.account_id, `${exchangeName(one.exchange)} · ${one.uid}`]), asked.account_id);
  account.addEventListener("change", () => { asked.account_id = account.value; listInstruments(); stale(); });
  listInstruments();

  const range = (name, options) => slider(t(`quote.${name}`), {
    ...options, value: asked[name], changed: (value) => { asked[name] = value; stale(); },
  });
  const told = h("div");
  const whole = (text) => Number(BigInt(text) / PPM);
  const form = card(t("quote.title"),
    field(t("quote.account"), account),
    h("div", null, h("button", { type: "button", class: "button quiet small", onclick: bindAnother }, t("quote.bind_another"))),
    instruments,
    range("leverage", { min: Math.min(...product.leverages), max: Math.max(...product.leverages), shown: (n) => `${n}×` }),
    range("principal", { min: whole(product.min_principal_micro_usdc), max: whole(product.max_principal_micro_usdc), step: 10, shown: (n) => `${n} USDC` }),
    choices(t("quote.cover"), product.covers.map((one) => [one.cover_hours, span(one.cover_hours * 3600)]), asked.cover_hours,
      (hours) => { asked.cover_hours = hours; stale(); }),
    choices(t("quote.side"), ["either", "long", "short"].map((one) => [one, t(`side.${one}`)]), asked.side,
      (side) => { asked.side = side; stale(); }),
    button(t("quote.ask"), async () => {
      const quote = await post("quotes", {
        account_id: asked.account_id, inst_id: asked.inst_id, leverage: asked.leverage,
        principal_micro_usdc: micro(asked.principal), cover_hours: asked.cover_hours, side: asked.side,
      }, onceKey());
      show(price, priced(quote, products));
      announce(t("quote.said", { premium: exact(quote.premium_micro_usdc), most: usdc(quote.max_payout_micro_usdc) }));
      price.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }, { tone: "wide", place: told }),
    told);
  stale();
  return h("div", { class: "grid halves" }, form, price);
}

function invitation(product, products, asked) {
  const wait = product.covers.find((one) => one.cover_hours === asked.cover_hours).wait_seconds;
  return card(t("quote.how_title"),
    h("p", { class: "soft" }, t("quote.how", { load: percent(product.load_ppm, 0), expense: usdc(product.expense_micro_usdc) })),
    h("p", { class: "soft" }, t("quote.how_wait", { wait: span(wait) })),
    never(products));
}

const never = (products) => h("div", { class: "section" },
  h("h3", null, t("never.title")),
  h("ul", { class: "bullets soft" }, [...products.never_covered, "opened_before", "not_isolated"].map((one) =>
    h("li", null, coded("never", one, one)))));

/** The quoted premium, part by part, to the micro-USDC. */
function parts(quote) {
  const total = BigInt(quote.premium_micro_usdc);
  const { price } = quote;
  const expected = BigInt(price.expected_loss_micro_usdc ?? 0);
  const expense = BigInt(price.expense_micro_usdc ?? 0);
  const surcharge = BigInt(price.surcharge_micro_usdc);
  return lines([
    [t("price.expected"), `${exact(expected)} USDC`, t("price.expected_how", { p: percent(price.p_ppm, 2), most: usdc(quote.max_payout_micro_usdc) })],
    [t("price.load"), `${exact(total - expected - expense - surcharge)} USDC`, t("price.load_how", { load: percent(price.load_ppm, 0) })],
    [t("price.expense"), `${exact(expense)} USDC`, t("price.expense_how")],
    surcharge > 0n && [t("price.surcharge"), `${exact(surcharge)} USDC`],
    [t("price.premium"), `${exact(total)} USDC`, null, "sum"],
  ]);
}

function priced(quote, products) {
  const told = h("div", { class: "stack tight" });
  const left = h("p", { class: "small soft", role: "timer" });
  const buy = button(t("buy.submit", { premium: exact(quote.premium_micro_usdc) }), () => bought(quote, told), { tone: "wide", place: told });
  countDown(quote, left, buy);
  return card(t("price.title"),
    h("div", { class: "price" }, h("div", { class: "amount" }, premium(quote.premium_micro_usdc), " ", h("small", null, "USDC")),
      h("p", { class: "soft" }, t("price.pays", { most: usdc(quote.max_payout_micro_usdc) }))),
    h("div", { class: "section" }, h("h3", null, t("price.why")), parts(quote)),
    h("div", { class: "section" }, h("h3", null, t("price.when")), lines([
      [t("price.cover"), span(quote.cover_seconds)],
      [t("price.wait"), span(quote.wait_seconds), t("price.wait_how")],
      [t("price.leverage"), t("price.up_to", { n: quote.leverage })],
      [t("price.until"), clock(quote.expires_at) + " UTC"],
    ])),
    never(products),
    h("div", { class: "section" }, buy, left, told));
}

function countDown(quote, left, buy) {
  const end = performance.now() + Math.max(0, Date.parse(quote.expires_at) - Date.parse(quote.created_at));
  const tick = setInterval(() => {
    const seconds = Math.round((end - performance.now()) / 1000);
    if (!left.isConnected) clearInterval(tick);
    else if (seconds <= 0) {
      clearInterval(tick);
      left.textContent = t("price.expired");
      buy.disabled = true;
    } else left.textContent = t("price.left", { m: Math.floor(seconds / 60), s: String(seconds % 60).padStart(2, "0") });
  }, 1000);
}

/** Send the prepared transactions one after the other and tell each step. */
async function bought(quote, told) {
  const purchase = await get(`quotes/${quote.quote_id}/purchase`);
  if (BigInt(purchase.balance_micro_usdc) < BigInt(purchase.premium_micro_usdc)) {
    show(told, notice("bad", t("buy.too_little", { has: exact(purchase.balance_micro_usdc), needs: exact(purchase.premium_micro_usdc) })));
    return;
  }
  const { address } = session();
  const done = [];
  for (const [place, step] of purchase.transactions.entries()) {
    await wallet.onChain(step.chain_id);
    const what = t(`buy.${step.kind}`);
    const asking = t("buy.confirm", { n: place + 1, of: purchase.transactions.length, what });
    announce(asking);
    show(told, ...done, notice("", asking));
    const hash = await wallet.send(address, step);
    const shown = transaction(hash, step.chain_id);
    show(told, ...done, notice("", t("buy.waiting", { what }), " ", shown));
    await wallet.mined(hash);
    done.push(notice("good", `✓ ${what} `, shown));
  }
  announce(t("buy.done"));
  show(told, ...done, notice("good", h("strong", null, t("buy.done")), " ", t("buy.next", { wait: span(quote.wait_seconds) })),
    h("a", { class: "button wide", href: "#/policies" }, t("buy.to_policies")));
  for (const over of told.parentElement.querySelectorAll(":scope > .button, :scope > [role=timer]")) over.hidden = true;
}

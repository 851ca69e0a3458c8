// Getting covered: bind an account, see the price and why, buy.

import { all, get } from "../api.js";
import { h, show } from "../dom.js";
import { t } from "../i18n.js";
import { bindForm } from "./bind.js";
import { quoteForm } from "./quote.js";

export async function cover(place) {
  const [accounts, products] = await Promise.all([all("accounts"), get("products")]);
  const product = products.products.find((one) => one.is_default);
  const draw = (known, chosen, isBinding) => {
    const again = async (bound) => draw(await all("accounts"), bound?.account_id ?? chosen, false);
    const form = isBinding || !known.length
      ? bindForm(products, again, known.length ? () => draw(known, chosen, false) : null)
      : quoteForm(known, product, products, chosen, () => draw(known, chosen, true));
    show(place,
      h("div", { class: "hero" }, h("h1", null, t("cover.title")), h("p", { class: "lede" }, t("cover.lede"))),
      form);
  };
  draw(accounts, accounts[0]?.account_id, false);
}

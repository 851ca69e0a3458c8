// Bars of premiums and payouts, drawn from exact figures; the same figures stand in the table below.

import { svg } from "./dom.js";
import { usdc } from "./format.js";
import { locale } from "./i18n.js";

const WIDTH = 420;
const HEIGHT = 240;
const LEFT = 48;
const BOTTOM = 28;
const TOP = 12;
const STEPS = 4;

/** The next 1, 2 or 5 times a power of ten: a scale people can read. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value);
}

const whole = (micro) => Number(BigInt(micro) / 1000n) / 1000;

/** Days as pairs of bars: {day, premiums_micro_usdc, payouts_micro_usdc}; `label` tells all of it. */
export function bars(days, label) {
  const most = ceiling(Math.max(...days.flatMap((one) => [whole(one.premiums_micro_usdc), whole(one.payouts_micro_usdc)])));
  const height = HEIGHT - TOP - BOTTOM;
  const y = (value) => TOP + height - (value / most) * height;
  const band = (WIDTH - LEFT) / days.length;
  const bar = Math.min(40, band * 0.32);
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label });
  for (let step = 0; step <= STEPS; step += 1) {
    const value = (most / STEPS) * step;
    chart.append(
      svg("line", { class: "grid-line", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
      svg("text", { class: "axis", x: LEFT - 10, y: y(value) + 4, "text-anchor": "end" }, value.toLocaleString(locale())),
    );
  }
  const every = Math.ceil(days.length / 8);
  days.forEach((one, place) => {
    const middle = LEFT + band * (place + 0.5);
    for (const [kind, x] of [["premiums", middle - bar - 2], ["payouts", middle + 2]]) {
      const value = whole(one[`${kind}_micro_usdc`]);
      const title = svg("title", {}, `${one.day}: ${usdc(one[`${kind}_micro_usdc`])} USDC`);
      chart.append(svg("rect", { class: kind, x, y: y(value), width: bar, height: Math.max(0, TOP + height - y(value)), rx: 3 }, title));
    }
    if (place % every === 0) {
      const date = new Date(`${one.day}T00:00:00Z`);
      const day = date.toLocaleDateString(locale(), { day: "numeric", month: "short", timeZone: "UTC" });
      chart.append(svg("text", { class: "axis", x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, day));
    }
  });
  return chart;
}

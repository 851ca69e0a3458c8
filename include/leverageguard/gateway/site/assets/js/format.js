// Figures for people. Money comes as integer text of micro-USDC and never becomes a float.

import { locale, t } from "./i18n.js";

const MICRO = 1_000_000n;

/** "45910200" as "45.91"; more places where the amount has them and they are asked for. */
export function usdc(micro, places = 2) {
  const value = BigInt(micro);
  const scale = 10n ** BigInt(6 - places);
  const rounded = (value < 0n ? -value : value) / scale;
  const whole = (rounded / 10n ** BigInt(places)).toLocaleString(locale());
  const part = places ? "." + String(rounded % 10n ** BigInt(places)).padStart(places, "0") : "";
  return `${value < 0n ? "−" : ""}${whole}${part}`;
}

/** A premium in cents: rounded up, as premiums are. */
export const premium = (micro) => usdc((BigInt(micro) + 9_999n) / 10_000n * 10_000n);

/** All six places where the last four say something, else two: an amount nobody rounded. */
export const exact = (micro) => usdc(micro, BigInt(micro) % 10_000n === 0n ? 2 : 6);

/** Micro-USDC of whole USDC, as text. */
export const micro = (whole) => String(BigInt(whole) * MICRO);

/** A share in parts per million as per cent. */
export function percent(ppm, places = 1) {
  if (ppm === null || ppm === undefined) return "–";
  const shown = (Number(ppm) / 10_000).toLocaleString(locale(), {
    minimumFractionDigits: places, maximumFractionDigits: places,
  });
  return `${shown} %`;
}

/** A ratio in parts per million as how many times: "1.4×", "256×". */
export function times(ppm) {
  if (ppm === null || ppm === undefined) return "–";
  const ratio = Number(ppm) / 1_000_000;
  return `${ratio.toLocaleString(locale(), { maximumFractionDigits: ratio < 10 ? 1 : 0 })}×`;
}

/** A whole number. */
export const count = (value) => Number(value).toLocaleString(locale());

/** A time in UTC: one zone for chain, venue and reader. */
export function when(at) {
  if (!at) return "–";
  const date = new Date(at);
  const day = date.toLocaleDateString(locale(), { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const time = date.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "UTC" });
  return `${day}, ${time} UTC`;
}

/** The time of day alone, with seconds. */
export const clock = (at) =>
  new Date(at).toLocaleTimeString(locale(), {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "UTC",
  });

/** "30 min", "24 h". */
export function span(seconds) {
  if (seconds % 3600 === 0) return t("span.hours", { n: seconds / 3600 });
  return t("span.minutes", { n: Math.round(seconds / 60) });
}

/** The ends of a hash or an address. */
export const short = (hash) => (hash && hash.length > 14 ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : hash);

// The page's words in the reader's language; every key is in both files.

export const LANGUAGES = { en: "English", zh: "中文" };
const CHOICE = "leverageguard.language";
let words = {};
let current = "en";

function chosen() {
  const kept = localStorage.getItem(CHOICE);
  if (kept in LANGUAGES) return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Load the words of a language, or of the one chosen before. */
export async function speak(language = chosen()) {
  const answer = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
  words = await answer.json();
  current = language;
  localStorage.setItem(CHOICE, language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

/** The language's code for dates and numbers. */
export const locale = () => (current === "zh" ? "zh-CN" : "en-GB");

/** The language that is spoken. */
export const language = () => current;

/** The words under a key, `{name}` replaced; the key itself when there are none. */
export function t(key, values = {}) {
  return has(key) ? words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : key;
}

/** Whether there are words under a key. */
export const has = (key) => Object.hasOwn(words, key);

/** The words of a code of the server's, else what it said itself, else the code. */
export const coded = (family, code, otherwise) =>
  has(`${family}.${code}`) ? t(`${family}.${code}`) : otherwise || code;

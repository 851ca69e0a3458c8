// Who is signed in: Sign-In with Ethereum (EIP-4361) once, then a short-lived token for this tab.

import * as api from "./api.js";
import { checksummed } from "./checksum.js";
import { t } from "./i18n.js";
import * as wallet from "./wallet.js";

const KEPT = "leverageguard.session";
let held = null;
let listener = () => {};

/** {address, chainId, token, expiresAt} of who is signed in, or null. */
export const session = () => held;

/** Call when somebody signs in or out. */
export function onSession(told) { listener = told; }

function hold(next) {
  held = next;
  api.carry(next?.token ?? null);
  if (next) sessionStorage.setItem(KEPT, JSON.stringify(next));
  else sessionStorage.removeItem(KEPT);
  listener(held);
}

/** Take up the session of this tab, unless it is over. */
export function resume() {
  api.onRefused(() => hold(null));
  wallet.onAccount((address) => {
    if (held && held.address.toLowerCase() !== (address ?? "").toLowerCase()) hold(null);
  });
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept && Date.parse(kept.expiresAt) > Date.now()) hold(kept);
}

/** Connect the wallet, on the pool's chain, and sign in with it. */
export async function signIn() {
  const address = await wallet.connect();
  const { chain_ids: [chainId] } = await api.get("version");
  await wallet.onChain(chainId);
  const { nonce } = await api.post("auth/nonce");
  const message = [
    `${location.host} wants you to sign in with your Ethereum account:`,
    checksummed(address),
    "",
    "Sign in to LeverageGuard. This costs nothing and moves no money.",
    "",
    `URI: ${location.origin}${location.pathname}`,
    "Version: 1",
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${new Date().toISOString()}`,
  ].join("\n");
  const signature = await wallet.signText(address, message);
  const answer = await api.post("auth/sign-in", { message, signature });
  hold({ address, chainId, token: answer.token, expiresAt: answer.expires_at });
}

/** Forget the token. */
export const signOut = () => hold(null);

/** Have a message made by the API and signed by the wallet: {signature, message}. */
export async function signed(kind, fields) {
  if (!held) throw new wallet.WalletError(t("wallet.signed_out"));
  const typed = await api.post(`signables/${kind}`, fields);
  await wallet.onChain(held.chainId);
  return { signature: await wallet.signTyped(held.address, typed), message: typed.message };
}

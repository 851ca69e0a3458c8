// The reader's own wallet (EIP-1193). Keys stay there; the page asks it to sign and to send.

import { t } from "./i18n.js";

const REJECTED = 4001;
const UNKNOWN_CHAIN = 4902;
const POLL_MS = 1000;

/** What the wallet refused or could not do, in words for people. */
export class WalletError extends Error {}

/** Whether the browser has a wallet. */
export const isThere = () => Boolean(window.ethereum);

async function ask(method, params = []) {
  if (!isThere()) throw new WalletError(t("wallet.none"));
  try {
    return await window.ethereum.request({ method, params });
  } catch (error) {
    if (error.code === REJECTED) throw new WalletError(t("wallet.rejected"));
    const failed = new WalletError(t("wallet.failed", { why: error.message ?? "" }));
    failed.code = error.code;
    throw failed;
  }
}

const hex = (text) =>
  "0x" + Array.from(new TextEncoder().encode(text), (one) => one.toString(16).padStart(2, "0")).join("");

/** Ask for an account: its address. */
export const connect = async () => (await ask("eth_requestAccounts"))[0];

/** Have the wallet on this chain. */
export async function onChain(chainId) {
  if (Number(await ask("eth_chainId")) === chainId) return;
  try {
    await ask("wallet_switchEthereumChain", [{ chainId: "0x" + chainId.toString(16) }]);
  } catch (error) {
    if (error.code === UNKNOWN_CHAIN) throw new WalletError(t("wallet.add_chain", { id: chainId }));
    throw error;
  }
}

/** A signature of plain text (personal_sign). */
export const signText = (address, text) => ask("personal_sign", [hex(text), address]);

/** A signature of typed data (EIP-712), given as the object the API made. */
export const signTyped = (address, typed) =>
  ask("eth_signTypedData_v4", [address, JSON.stringify(typed)]);

/** Send one prepared transaction; its hash. */
export function send(address, { to, data, value, gas }) {
  const quantity = (one) => "0x" + BigInt(one ?? 0).toString(16);
  return ask("eth_sendTransaction", [{ from: address, to, data, value: quantity(value), gas: quantity(gas) }]);
}

/** Wait until a transaction is in a block; throws when the chain refused it. */
export async function mined(hash) {
  for (;;) {
    const receipt = await ask("eth_getTransactionReceipt", [hash]);
    if (receipt) {
      if (Number(receipt.status) !== 1) throw new WalletError(t("wallet.reverted", { hash }));
      return receipt;
    }
    await new Promise((done) => { setTimeout(done, POLL_MS); });
  }
}

/** Call with the address when the reader chooses another account in the wallet. */
export function onAccount(listener) {
  window.ethereum?.on?.("accountsChanged", ([address]) => listener(address));
}

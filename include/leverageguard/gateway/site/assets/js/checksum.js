// The spelling of an address that sign-in messages need (EIP-55), from its Keccak-256.

const MASK = (1n << 64n) - 1n;
const RATE = 136;
const ROUNDS = 24;

const turn = (lane, by) => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;

/** Round constants by the feedback register of FIPS 202, section 3.2.5. */
function constants() {
  const found = [];
  let register = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    let constant = 0n;
    for (let j = 0; j <= 6; j += 1) {
      if (register & 1) constant |= 1n << BigInt((1 << j) - 1);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    found.push(constant);
  }
  return found;
}

const CONSTANTS = constants();

function permute(state) {
  for (const constant of CONSTANTS) {
    const column = [0, 1, 2, 3, 4].map((x) => state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]);
    for (let x = 0; x < 5; x += 1) {
      const mixed = column[(x + 4) % 5] ^ turn(column[(x + 1) % 5], 1);
      for (let y = 0; y < 25; y += 5) state[x + y] ^= mixed;
    }
    let [x, y, lane] = [1, 0, state[1]];
    for (let step = 0; step < 24; step += 1) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const place = x + 5 * y;
      const kept = state[place];
      state[place] = turn(lane, (((step + 1) * (step + 2)) / 2) % 64);
      lane = kept;
    }
    for (let row = 0; row < 25; row += 5) {
      const lanes = state.slice(row, row + 5);
      for (let place = 0; place < 5; place += 1) {
        state[row + place] = lanes[place] ^ (~lanes[(place + 1) % 5] & MASK & lanes[(place + 2) % 5]);
      }
    }
    state[0] ^= constant;
  }
}

/** Keccak-256 of at most 135 bytes, in hex. */
export function keccak256(bytes) {
  if (bytes.length >= RATE) throw new RangeError("longer than one block");
  const block = new Uint8Array(RATE);
  block.set(bytes);
  block[bytes.length] ^= 0x01;
  block[RATE - 1] ^= 0x80;
  const state = new Array(25).fill(0n);
  for (let place = 0; place < RATE; place += 1) {
    state[place >> 3] ^= BigInt(block[place]) << BigInt(8 * (place % 8));
  }
  permute(state);
  let hash = "";
  for (let place = 0; place < 32; place += 1) {
    hash += Number((state[place >> 3] >> BigInt(8 * (place % 8))) & 0xffn).toString(16).padStart(2, "0");
  }
  return hash;
}

/** An address in mixed case, whatever case it came in. */
export function checksummed(address) {
  const plain = address.toLowerCase().replace(/^0x/, "");
  const hash = keccak256(new TextEncoder().encode(plain));
  return "0x" + Array.from(plain, (one, place) => (parseInt(hash[place], 16) >= 8 ? one.toUpperCase() : one)).join("");
}

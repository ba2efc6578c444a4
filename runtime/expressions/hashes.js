// Hashes and base64 for n8n's extension functions (`hash`, `base64Encode`, ...): the engine has neither crypto nor Buffer.
//
//   __bytes   {utf8(text) -> [byte], toBase64([byte]), fromBase64(text) -> Latin-1, fromUtf8(Latin-1) -> text,
//             HASHES: {name: ([byte]) -> hex}}
//
// Loaded before extensions.js, which takes the global away again.
'use strict';

(() => {
  const utf8 = (text) => {
    const bytes = [];
    for (const character of text) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return bytes;
  };

  const hexOf = (words, littleEndian) =>
    words
      .map((word) => {
        const hex = (word >>> 0).toString(16).padStart(8, '0');
        return littleEndian ? hex.replace(/(..)(..)(..)(..)/, '$4$3$2$1') : hex;
      })
      .join('');

  // The Merkle-Damgard padding of MD5 and SHA-1/2: a one bit, zeros, the length in bits.
  const padded = (bytes, block, lengthBytes, littleEndian) => {
    const bits = bytes.length * 8;
    const out = bytes.concat([0x80]);
    while (out.length % block !== block - lengthBytes) out.push(0);
    const length = [];
    for (let i = 0; i < lengthBytes; i++) length.push(i < 7 ? Math.floor(bits / 2 ** (8 * i)) & 255 : 0);
    return out.concat(littleEndian ? length : length.reverse());
  };

  const wordAt = (bytes, i) => (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
  const wordAtLittle = (bytes, i) => bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
  const turnLeft = (word, by) => (word << by) | (word >>> (32 - by));
  const turnRight = (word, by) => (word >>> by) | (word << (32 - by));

  const primes = (count) => {
    const found = [];
    for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime)) found.push(n);
    return found;
  };
  // The first `bits` binary digits behind the point of the n-th root: where SHA-2 takes its constants from.
  const rootDigits = (prime, root, bits) => {
    const scaled = BigInt(prime) << BigInt(root * bits);
    let low = 0n;
    let high = 1n << BigInt(bits + 8);
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(root) <= scaled) low = middle;
      else high = middle;
    }
    return BigInt.asUintN(bits, low);
  };

  const MD5_SHIFTS = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
  ];
  const md5 = (bytes) => {
    const data = padded(bytes, 64, 8, true);
    const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
    for (let at = 0; at < data.length; at += 64) {
      let [a, b, c, d] = state;
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
        const word = wordAtLittle(data, at + 4 * [i, (5 * i + 1) % 16, (3 * i + 5) % 16, (7 * i) % 16][round]);
        const sum = (a + mixed + word + Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32)) | 0;
        [a, d, c, b] = [d, c, b, (b + turnLeft(sum, MD5_SHIFTS[round][i % 4])) | 0];
      }
      [a, b, c, d].forEach((word, i) => (state[i] = (state[i] + word) | 0));
    }
    return hexOf(state, true);
  };

  const sha1 = (bytes) => {
    const data = padded(bytes, 64, 8);
    const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
    const words = [];
    for (let at = 0; at < data.length; at += 64) {
      let [a, b, c, d, e] = state;
      for (let i = 0; i < 80; i++) {
        words[i] =
          i < 16 ? wordAt(data, at + 4 * i) : turnLeft(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
        const round = Math.floor(i / 20);
        const mixed = [(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d][round];
        const constant = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][round];
        [a, b, c, d, e] = [(turnLeft(a, 5) + mixed + e + constant + words[i]) | 0, a, turnLeft(b, 30), c, d];
      }
      [a, b, c, d, e].forEach((word, i) => (state[i] = (state[i] + word) | 0));
    }
    return hexOf(state);
  };

  const lazily = (make) => {
    let made;
    return () => (made ??= make());
  };
  const SHA256_CONSTANTS = lazily(() => primes(64).map((prime) => Number(rootDigits(prime, 3, 32)) | 0));
  const SHA224_START = lazily(() =>
    primes(16)
      .slice(8)
      .map((prime) => Number(BigInt.asUintN(32, rootDigits(prime, 2, 64))) | 0),
  );
  const SHA256_START = lazily(() => primes(8).map((prime) => Number(rootDigits(prime, 2, 32)) | 0));

  const sha256 = (start, length) => (bytes) => {
    const data = padded(bytes, 64, 8);
    const constants = SHA256_CONSTANTS();
    const state = start().slice();
    const words = [];
    for (let at = 0; at < data.length; at += 64) {
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        if (i < 16) words[i] = wordAt(data, at + 4 * i);
        else {
          const [x, y] = [words[i - 15], words[i - 2]];
          const low = turnRight(x, 7) ^ turnRight(x, 18) ^ (x >>> 3);
          const high = turnRight(y, 17) ^ turnRight(y, 19) ^ (y >>> 10);
          words[i] = (words[i - 16] + low + words[i - 7] + high) | 0;
        }
        const sum1 = turnRight(e, 6) ^ turnRight(e, 11) ^ turnRight(e, 25);
        const first = (h + sum1 + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
        const sum0 = turnRight(a, 2) ^ turnRight(a, 13) ^ turnRight(a, 22);
        const second = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) | 0));
    }
    return hexOf(state).slice(0, length);
  };

  // 64-bit words are pairs [high, low] of 32-bit numbers: BigInt would be twenty times slower.
  const split = (wide) => [Number(wide >> 32n) | 0, Number(wide & 0xffffffffn) | 0];
  const SHA512_CONSTANTS = lazily(() => primes(80).map((prime) => split(rootDigits(prime, 3, 64))));
  const SHA512_START = lazily(() => primes(8).map((prime) => split(rootDigits(prime, 2, 64))));
  const SHA384_START = lazily(() =>
    primes(16)
      .slice(8)
      .map((prime) => split(rootDigits(prime, 2, 64))),
  );

  const add64 = (...pairs) => {
    let [high, low] = [0, 0];
    for (const pair of pairs) {
      high += pair[0] >>> 0;
      low += pair[1] >>> 0;
    }
    return [(high + Math.floor(low / 2 ** 32)) | 0, low | 0];
  };
  const turn64 = ([high, low], by) =>
    by < 32
      ? [(high >>> by) | (low << (32 - by)), (low >>> by) | (high << (32 - by))]
      : turn64([low, high], by - 32 || 32);
  const shift64 = ([high, low], by) => [high >>> by, (low >>> by) | (high << (32 - by))];
  const xor64 = (...pairs) => pairs.reduce(([ah, al], [bh, bl]) => [ah ^ bh, al ^ bl]);

  const sha512 = (start, length) => (bytes) => {
    const data = padded(bytes, 128, 16);
    const constants = SHA512_CONSTANTS();
    const state = start().slice();
    const words = [];
    for (let at = 0; at < data.length; at += 128) {
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 80; i++) {
        if (i < 16) words[i] = [wordAt(data, at + 8 * i), wordAt(data, at + 8 * i + 4)];
        else {
          const [x, y] = [words[i - 15], words[i - 2]];
          const low = xor64(turn64(x, 1), turn64(x, 8), shift64(x, 7));
          const high = xor64(turn64(y, 19), turn64(y, 61), shift64(y, 6));
          words[i] = add64(words[i - 16], low, words[i - 7], high);
        }
        const chosen = [(e[0] & f[0]) ^ (~e[0] & g[0]), (e[1] & f[1]) ^ (~e[1] & g[1])];
        const first = add64(h, xor64(turn64(e, 14), turn64(e, 18), turn64(e, 41)), chosen, constants[i], words[i]);
        const major = [
          (a[0] & b[0]) ^ (a[0] & c[0]) ^ (b[0] & c[0]),
          (a[1] & b[1]) ^ (a[1] & c[1]) ^ (b[1] & c[1]),
        ];
        const second = add64(xor64(turn64(a, 28), turn64(a, 34), turn64(a, 39)), major);
        [a, b, c, d, e, f, g, h] = [add64(first, second), a, b, c, add64(d, first), e, f, g];
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = add64(state[i], word)));
    }
    return hexOf(state.flat()).slice(0, length);
  };

  // Keccak's round constants come from a shift register, its rotations and lanes from a walk over the 5 x 5 square.
  const KECCAK = lazily(() => {
    const constants = [];
    let register = 1;
    for (let round = 0; round < 24; round++) {
      const pair = [0, 0];
      for (let j = 0; j < 7; j++) {
        const bit = 2 ** j - 1;
        if (register & 1) pair[bit < 32 ? 1 : 0] ^= 1 << bit % 32;
        register = register & 0x80 ? ((register << 1) & 0xff) ^ 0x71 : register << 1;
      }
      constants.push(pair);
    }
    const walk = [];
    let [x, y] = [1, 0];
    for (let t = 0; t < 24; t++) {
      walk.push([x + 5 * y, (((t + 1) * (t + 2)) / 2) % 64]);
      [x, y] = [y, (2 * x + 3 * y) % 5];
    }
    return { constants, walk };
  });

  const turnLeft64 = (pair, by) => (by === 0 ? pair : turn64(pair, 64 - by));

  const keccak = (lanes) => {
    const { constants, walk } = KECCAK();
    for (const constant of constants) {
      const columns = [0, 1, 2, 3, 4].map((x) => xor64(...[0, 5, 10, 15, 20].map((y) => lanes[x + y])));
      for (let i = 0; i < 25; i++) {
        const x = i % 5;
        lanes[i] = xor64(lanes[i], columns[(x + 4) % 5], turnLeft64(columns[(x + 1) % 5], 1));
      }
      let carried = lanes[1];
      for (let i = 0; i < 24; i++) {
        const to = i < 23 ? walk[i + 1][0] : 1;
        [carried, lanes[to]] = [lanes[to], turnLeft64(carried, walk[i][1])];
      }
      for (let y = 0; y < 25; y += 5) {
        const row = lanes.slice(y, y + 5);
        for (let x = 0; x < 5; x++) {
          const [next, after] = [row[(x + 1) % 5], row[(x + 2) % 5]];
          lanes[y + x] = [row[x][0] ^ (~next[0] & after[0]), row[x][1] ^ (~next[1] & after[1])];
        }
      }
      lanes[0] = xor64(lanes[0], constant);
    }
  };

  const sha3 = (bytes) => {
    const rate = 72;
    const data = bytes.concat([0x06]);
    while (data.length % rate) data.push(0);
    data[data.length - 1] |= 0x80;
    const lanes = Array.from({ length: 25 }, () => [0, 0]);
    for (let at = 0; at < data.length; at += rate) {
      for (let i = 0; i < rate / 8; i++) {
        const word = [wordAtLittle(data, at + 8 * i + 4), wordAtLittle(data, at + 8 * i)];
        lanes[i] = xor64(lanes[i], word);
      }
      keccak(lanes);
    }
    return hexOf(lanes.slice(0, 8).flatMap(([high, low]) => [low, high]), true);
  };

  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  const toBase64 = (bytes) => {
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const group = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      out += BASE64[group >> 18] + BASE64[(group >> 12) & 63];
      out += i + 1 < bytes.length ? BASE64[(group >> 6) & 63] : '=';
      out += i + 2 < bytes.length ? BASE64[group & 63] : '=';
    }
    return out;
  };

  // Takes the URL alphabet too and passes over anything else; a length that cannot be is undefined for the author.
  const fromBase64 = (text) => {
    const digits = text.replace(/-/g, '+').replace(/_/g, '/').replace(/[^A-Za-z0-9+/]/g, '');
    if (digits.length % 4 === 1) throw new TypeError('malformed base64');
    let out = '';
    for (let i = 0; i < digits.length; i += 4) {
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => BASE64.indexOf(digits[i + k] ?? 'A'));
      const group = (a << 18) | (b << 12) | (c << 6) | d;
      const bytes = [group >> 16, (group >> 8) & 255, group & 255].slice(0, digits.length - i - 1);
      out += String.fromCharCode(...bytes);
    }
    return out;
  };

  // UTF-8 sequences become characters; bytes that are none stay as they are, as Latin-1.
  const fromUtf8 = (bytes) =>
    bytes.replace(/[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}/g, (sequence) => {
      const [first, ...rest] = [...sequence].map((byte) => byte.charCodeAt(0));
      const lead = first & (0xff >> (rest.length + 2));
      const code = rest.reduce((sum, byte) => (sum << 6) | (byte & 63), lead);
      return String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
    });

  const HASHES = {
    md5,
    sha1,
    sha224: sha256(SHA224_START, 56),
    sha256: sha256(SHA256_START, 64),
    sha384: sha512(SHA384_START, 96),
    sha512: sha512(SHA512_START, 128),
    sha3,
  };

  globalThis.__bytes = { utf8, toBase64, fromBase64, fromUtf8, HASHES };
})();

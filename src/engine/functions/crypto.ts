// Digests and ciphers that DuckDB has not got, by Node's own crypto.
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { type JsFunction, nullableFunction, strictFunction, ValueProblem } from './define.ts';

const SHA2: Readonly<Record<number, string>> = {
  0: 'sha256',
  224: 'sha224',
  256: 'sha256',
  384: 'sha384',
  512: 'sha512',
};
const BLOCK_BYTES = 16;
const MODE = /^AES_(128|192|256)_(ECB|CBC|CFB|CFB1|CFB8|CFB128|OFB|CTR)$/;

interface Cipher {
  readonly algorithm: string;
  readonly key: Buffer;
  readonly vector: Buffer | null;
}

/** MySQL's rule: the key is folded by XOR to the cipher's length; shorter ones are filled up with zeros. */
function foldKey(key: Uint8Array, length: number): Buffer {
  const folded = Buffer.alloc(length);
  for (const [i, byte] of key.entries()) folded[i % length] = (folded[i % length] ?? 0) ^ byte;
  return folded;
}

/** @throws ValueProblem for an unknown mode or an initialization vector that is missing or short. */
function cipherOf(key: Uint8Array, vector: Uint8Array | null, mode: string): Cipher {
  const match = MODE.exec(mode.toUpperCase());
  const [, bits = '', chaining = ''] = match ?? [];
  if (match === null) {
    throw new ValueProblem(
      `Unknown encryption mode '${mode}': AES_{128|192|256}_{ECB|CBC|CFB|CFB1|CFB8|CFB128|OFB|CTR} are supported`,
    );
  }
  const name = chaining === 'CFB128' ? 'cfb' : chaining.toLowerCase();
  const algorithm = `aes-${bits}-${name}`;
  const folded = foldKey(key, Number(bits) / 8);
  if (chaining === 'ECB') return { algorithm, key: folded, vector: null };
  if (vector === null || vector.length < BLOCK_BYTES) {
    throw new ValueProblem(
      `${mode} needs an initialization vector of at least ${BLOCK_BYTES} bytes`,
    );
  }
  return { algorithm, key: folded, vector: Buffer.from(vector.subarray(0, BLOCK_BYTES)) };
}

export const CRYPTO_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_sha2', ['BLOB', 'INTEGER'], 'VARCHAR', (bytes, bits) => {
    const algorithm = SHA2[bits];
    return algorithm === undefined ? null : createHash(algorithm).update(bytes).digest('hex');
  }),
  strictFunction('mr_sm3', ['BLOB'], 'VARCHAR', (bytes) =>
    createHash('sm3').update(bytes).digest('hex'),
  ),
  nullableFunction(
    'mr_aes_encrypt',
    ['BLOB', 'BLOB', 'BLOB', 'VARCHAR'],
    'BLOB',
    (data, key, vector, mode) => {
      if (data === null || key === null || mode === null) return null;
      const cipher = cipherOf(key, vector, mode);
      const worker = createCipheriv(cipher.algorithm, cipher.key, cipher.vector);
      return Buffer.concat([worker.update(data), worker.final()]);
    },
  ),
  nullableFunction(
    'mr_aes_decrypt',
    ['BLOB', 'BLOB', 'BLOB', 'VARCHAR'],
    'BLOB',
    (data, key, vector, mode) => {
      if (data === null || key === null || mode === null) return null;
      const cipher = cipherOf(key, vector, mode);
      const worker = createDecipheriv(cipher.algorithm, cipher.key, cipher.vector);
      try {
        return Buffer.concat([worker.update(data), worker.final()]);
      } catch (error) {
        // Not encrypted with this key, or no whole blocks: Node's own error for it has this code.
        if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL'))
          return null;
        throw error;
      }
    },
  ),
];

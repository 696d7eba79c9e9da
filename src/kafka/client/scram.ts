// The client's side of SCRAM-SHA-256 and SCRAM-SHA-512, without channel binding. No I/O: texts in, texts
// out. Verifies the server too, so that a server without the password's verifier is refused.
// SOURCE: RFC 5802, RFC 7677.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify(pbkdf2);

/** Fewer are not safe (RFC 7677); more would let a server burn our CPU. */
const ITERATIONS_MIN = 4096;
const ITERATIONS_MAX = 1_000_000;
/** base64 of "n,,": no channel binding. */
const CHANNEL_BINDING = 'biws';

export type ScramHash = 'sha256' | 'sha512';

export interface ScramExchange {
  readonly clientFirst: string;
  /** The client's proof for the server's first message. Rejects with an Error that says what is wrong in it. */
  answer(serverFirst: string): Promise<ScramProof>;
}

export interface ScramProof {
  readonly clientFinal: string;
  /** Whether the server's last message proves that it knows the password. */
  verify(serverFinal: string): boolean;
}

/** @param nonce random printable text without commas, new for each exchange. */
export function startScram(
  hash: ScramHash,
  userName: string,
  password: string,
  nonce: string,
): ScramExchange {
  const name = userName.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const firstBare = `n=${name},r=${nonce}`;
  return {
    clientFirst: `n,,${firstBare}`,
    answer: (serverFirst) => answerScram(hash, password, nonce, firstBare, serverFirst),
  };
}

async function answerScram(
  hash: ScramHash,
  password: string,
  nonce: string,
  firstBare: string,
  serverFirst: string,
): Promise<ScramProof> {
  const fields = parseFields(serverFirst);
  const serverNonce = fields.get('r') ?? '';
  const salt = Buffer.from(fields.get('s') ?? '', 'base64');
  const iterations = Number(fields.get('i'));
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length)
    throw new Error('the broker did not answer our nonce');
  if (salt.length === 0) throw new Error('the broker sent no salt');
  if (!(iterations >= ITERATIONS_MIN && iterations <= ITERATIONS_MAX))
    throw new Error(`the broker asks for ${fields.get('i') ?? 'no'} iterations`);

  const hmac = (key: Buffer, data: string): Buffer => createHmac(hash, key).update(data).digest();
  const keyBytes = hash === 'sha256' ? 32 : 64;
  const salted = await deriveKey(password.normalize('NFKC'), salt, iterations, keyBytes, hash);
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash(hash).update(clientKey).digest();
  const withoutProof = `c=${CHANNEL_BINDING},r=${serverNonce}`;
  const authMessage = `${firstBare},${serverFirst},${withoutProof}`;
  const signature = hmac(storedKey, authMessage);
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
  const serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
  return {
    clientFinal: `${withoutProof},p=${proof.toString('base64')}`,
    verify: (serverFinal) => {
      const given = Buffer.from(parseFields(serverFinal).get('v') ?? '', 'base64');
      return given.length === serverSignature.length && timingSafeEqual(given, serverSignature);
    },
  };
}

/** `a=1,b=2`; a value may hold '='. */
function parseFields(message: string): Map<string, string> {
  return new Map(
    message.split(',').map((field): [string, string] => {
      const at = field.indexOf('=');
      return at === -1 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

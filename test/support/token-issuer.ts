// A small identity provider for tests: the token endpoint of RFC 6749 (client credentials) with RS256 tokens,
// over http or https, that can be told to refuse, to break, or to issue tokens of another key.
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface TokenIssuer {
  readonly url: string;
  /** Public keys as JWKS. */
  readonly keys: string;
  /** `scope` of each request, in order. */
  readonly asked: (string | null)[];
  mode: 'issue' | 'refuse' | 'break' | 'forge';
  /** Life of the tokens issued from now on. */
  lifeSeconds: number;
  close(): Promise<void>;
}

export const CLIENT = { id: 'millrace-client', secret: 'client-secret-hush' } as const;
const KEY_ID = 'test-key';

/** @param tls key and certificate (PEM); absent: http. */
export async function startTokenIssuer(options: {
  readonly subject: string;
  readonly audience: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}): Promise<TokenIssuer> {
  const real = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const forged = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      issuer.asked.push(form.get('scope'));
      const wanted = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
      const isClient =
        request.headers.authorization === wanted && form.get('grant_type') === 'client_credentials';
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      };
      if (issuer.mode === 'break') answer(503, { message: 'down for a while' });
      else if (!isClient || issuer.mode === 'refuse')
        answer(401, { error: 'invalid_client', error_description: 'Invalid client credentials' });
      else {
        const key = issuer.mode === 'forge' ? forged.privateKey : real.privateKey;
        const { lifeSeconds } = issuer;
        const token = signed(key, { ...options, scope: form.get('scope') ?? '', lifeSeconds });
        answer(200, { access_token: token, token_type: 'Bearer', expires_in: lifeSeconds });
      }
    });
  };
  const server =
    options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const jwk = {
    ...real.publicKey.export({ format: 'jwk' }),
    kid: KEY_ID,
    alg: 'RS256',
    use: 'sig',
  };
  const issuer: TokenIssuer = {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/token`,
    keys: JSON.stringify({ keys: [jwk] }),
    asked: [],
    mode: 'issue',
    lifeSeconds: 3600,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

function signed(
  key: KeyObject,
  claims: { subject: string; audience: string; scope: string; lifeSeconds: number },
): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' });
  const body = part({
    sub: claims.subject,
    aud: claims.audience,
    iat: issuedAt,
    exp: issuedAt + claims.lifeSeconds,
    scope: claims.scope.split(' ').filter((word) => word !== ''),
  });
  const signature = createSign('RSA-SHA256').update(`${head}.${body}`).sign(key);
  return `${head}.${body}.${signature.toString('base64url')}`;
}

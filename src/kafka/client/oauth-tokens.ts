// The tokens of one client: got when they are needed, kept until most of their life is over. A token and the
// client's secret never leave in an error. SOURCE: RFC 6749 4.4 (client credentials), RFC 7519, RFC 7628.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import type { OauthConfig, OidcConfig, UnsecuredConfig } from './oauth-config.ts';
import { reasonOf } from './socket.ts';

export interface OauthToken {
  readonly text: string;
  /** From the cache, not just made: a broker may know better that it is over. */
  readonly isOld: boolean;
}

interface Kept {
  readonly text: string;
  /** Monotonic. */
  readonly renewAtMs: number;
}

/** Part of its life after which a token is got anew. */
const LIFE_USE = 0.8;
/** Of a token that does not say how long it lives. */
const DEFAULT_LIFE_SECONDS = 300;
const MAX_ANSWER_BYTES = 256 * 1024;

export interface OauthTokensOptions {
  readonly config: OauthConfig;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** To verify an https endpoint with; null = the usual authorities. */
  readonly ca: () => Promise<string | Buffer | null>;
  /** Aborted when the client closes. */
  readonly closing: AbortSignal;
}

export class OauthTokens {
  readonly #options: OauthTokensOptions;
  #kept: Kept | null = null;
  #asking: Promise<string> | null = null;

  constructor(options: OauthTokensOptions) {
    this.#options = options;
  }

  /** Rejects with KAFKA_TOKEN_ENDPOINT (retry), KAFKA_TOKEN_REFUSED (user), CANCELLED. */
  async get(): Promise<OauthToken> {
    const { clock } = this.#options;
    if (this.#kept !== null && clock.monotonicMs() < this.#kept.renewAtMs)
      return { text: this.#kept.text, isOld: true };
    this.#asking ??= this.#make().finally(() => {
      this.#asking = null;
    });
    return { text: await this.#asking, isOld: false };
  }

  /** The next `get` makes a new one. */
  forget(): void {
    this.#kept = null;
  }

  async #make(): Promise<string> {
    const { config, clock } = this.#options;
    const { text, lifeSeconds } =
      config.method === 'oidc' ? await this.#ask(config) : unsecuredToken(config, clock.nowMs());
    const renewAtMs = clock.monotonicMs() + lifeSeconds * 1000 * LIFE_USE;
    this.#kept = { text, renewAtMs };
    return text;
  }

  async #ask(config: OidcConfig): Promise<{ text: string; lifeSeconds: number }> {
    const { clock, timeoutMs, closing } = this.#options;
    const endpoint = `${config.url.origin}${config.url.pathname}`;
    const stop = new AbortController();
    const timer = clock.after(timeoutMs, () =>
      stop.abort(new Error(`no whole answer within ${timeoutMs} ms`)),
    );
    let answer: { status: number; body: string };
    try {
      const ca = config.url.protocol === 'https:' ? await this.#options.ca() : null;
      answer = await post(config, ca, AbortSignal.any([stop.signal, closing]));
    } catch (thrown) {
      if (closing.aborted) throw fail('CANCELLED');
      if (thrown instanceof AppError) throw thrown;
      const reason = reasonOf(stop.signal.aborted ? stop.signal.reason : thrown);
      throw fail('KAFKA_TOKEN_ENDPOINT', { endpoint, reason }, thrown);
    } finally {
      timer.cancel();
    }
    const body = objectOf(answer.body);
    const token = body?.['access_token'];
    const isGiven = answer.status >= 200 && answer.status < 300;
    if (isGiven && body !== null && typeof token === 'string' && token !== '')
      return { text: token, lifeSeconds: lifeOf(body, token, clock.nowMs()) };
    const refusal = { endpoint, client: config.clientId, reason: refusalOf(answer.status, body) };
    // A provider that is in trouble gets another try; one that says no does not.
    if (answer.status === 429 || answer.status >= 500)
      throw fail('KAFKA_TOKEN_ENDPOINT', { endpoint, reason: refusal.reason });
    throw fail('KAFKA_TOKEN_REFUSED', refusal);
  }
}

/** `{"alg":"none"}.{claims}.` SOURCE: RFC 7515 A.5. */
function unsecuredToken(
  config: UnsecuredConfig,
  nowMs: number,
): { text: string; lifeSeconds: number } {
  const issued = Math.floor(nowMs / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    [config.principalClaim]: config.principal,
    iat: issued,
    exp: issued + config.lifeSeconds,
    ...(config.scope.length === 0 ? {} : { [config.scopeClaim]: config.scope }),
  };
  return { text: `${part({ alg: 'none' })}.${part(claims)}.`, lifeSeconds: config.lifeSeconds };
}

function post(
  config: OidcConfig,
  ca: string | Buffer | null,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (config.scope !== null) form.set('scope', config.scope);
  const credentials = Buffer.from(`${config.clientId}:${config.clientSecret}`).toString('base64');
  const payload = form.toString();
  const options = {
    method: 'POST',
    signal,
    headers: {
      authorization: `Basic ${credentials}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(payload),
      accept: 'application/json',
    },
    ...(ca === null ? {} : { ca }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const send = config.url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = send(config.url, options, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_ANSWER_BYTES)
        request.destroy(new Error(`its answer has more than ${MAX_ANSWER_BYTES} bytes`));
    });
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
    );
    response.on('error', reject);
  });
  request.on('error', reject);
  request.end(payload);
  return promise;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}

/** Seconds that a token lives: what the answer says, else what the token itself says. */
function lifeOf(body: Readonly<Record<string, unknown>>, token: string, nowMs: number): number {
  const said = Number(body['expires_in'] ?? Number.NaN);
  if (said > 0) return said;
  const claims = objectOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const left = Number(claims?.['exp'] ?? Number.NaN) - nowMs / 1000;
  return left > 0 ? left : DEFAULT_LIFE_SECONDS;
}

/** What the provider says, bounded; never the rest of its answer. */
function refusalOf(status: number, body: Readonly<Record<string, unknown>> | null): string {
  const said = [body?.['error'], body?.['error_description']]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, 300);
  if (said !== '') return `HTTP status ${status}, ${said}`;
  return status >= 200 && status < 300 ? 'its answer has no access_token' : `HTTP status ${status}`;
}

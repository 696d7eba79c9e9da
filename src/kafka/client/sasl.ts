// Logs a new connection in: SASL handshake, then PLAIN, SCRAM or OAUTHBEARER. Passwords and tokens never
// leave in an error. SOURCE: KIP-43, KIP-152, KIP-255, KIP-368 (session lifetime), RFC 4616, RFC 7628.

import { assert, present } from '../../base/assert.ts';
import { AppError, fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { KAFKA_ERROR, kafkaError } from '../protocol/errors.ts';
import type { BrokerConnection } from './connection.ts';
import type { KafkaSettings } from './properties.ts';
import { startScram } from './scram.ts';

const NONCE_BYTES = 24;

/** The session's lifetime in milliseconds, null when it has none. Rejects with KAFKA_AUTHENTICATION (user). */
export async function authenticate(
  connection: BrokerConnection,
  settings: KafkaSettings,
  random: Random,
  bearer: Bearer | null,
): Promise<number | null> {
  if (!settings['security.protocol'].startsWith('SASL')) return null;
  const mechanism = present(settings['sasl.mechanism'], 'the SASL mechanism');
  if (mechanism === 'OAUTHBEARER') return withToken(connection, present(bearer, 'the token'));
  const user = present(settings['sasl.username'], 'the SASL user name');
  const password = present(settings['sasl.password'], 'the SASL password');
  const session = new SaslSession(connection, mechanism, user);
  await session.handshake();
  if (mechanism === 'PLAIN') await session.send(`\0${user}\0${password}`);
  else {
    const hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';
    const nonce = random.bytes(NONCE_BYTES).toString('base64url');
    const exchange = startScram(hash, user, password, nonce);
    const serverFirst = await session.send(exchange.clientFirst);
    const proof = await exchange.answer(serverFirst).catch((thrown: unknown) => {
      throw session.refused(thrown instanceof Error ? thrown.message : String(thrown));
    });
    const serverFinal = await session.send(proof.clientFinal);
    if (!proof.verify(serverFinal))
      throw session.refused('the broker does not prove that it knows the password');
  }
  return session.lifetimeMs;
}

/** The token to log in with. */
export interface Bearer {
  readonly token: string;
  readonly extensions: Readonly<Record<string, string>>;
  /** Whose it is, for errors. */
  readonly name: string;
}

async function withToken(connection: BrokerConnection, bearer: Bearer): Promise<number | null> {
  const session = new SaslSession(connection, 'OAUTHBEARER', bearer.name);
  await session.handshake();
  const extensions = Object.entries(bearer.extensions).map(([key, value]) => `${key}=${value}\x01`);
  const problem = await session.send(
    `n,,\x01auth=Bearer ${bearer.token}\x01${extensions.join('')}\x01`,
  );
  if (problem === '') return session.lifetimeMs;
  // The broker says in JSON what is wrong, and ends the exchange after one byte more.
  await session.send('\x01').catch((thrown: unknown) => {
    if (!(thrown instanceof AppError) || thrown.code !== 'KAFKA_AUTHENTICATION') throw thrown;
    throw session.refused(`${problem.slice(0, 300)} (${String(thrown.fields['reason'])})`);
  });
  throw session.refused(problem.slice(0, 300));
}

class SaslSession {
  readonly #connection: BrokerConnection;
  readonly #mechanism: string;
  readonly #user: string;
  lifetimeMs: number | null = null;

  constructor(connection: BrokerConnection, mechanism: string, user: string) {
    this.#connection = connection;
    this.#mechanism = mechanism;
    this.#user = user;
  }

  async handshake(): Promise<void> {
    const mechanism = this.#mechanism;
    // Version 1 is what lets the exchange go in SaslAuthenticate requests.
    assert(this.#connection.version('SaslHandshake') === 1, 'SASL handshake is version 1');
    const answer = await this.#connection.request('SaslHandshake', { mechanism });
    const { errorCode, mechanisms } = answer.body;
    answer.release();
    if (errorCode !== KAFKA_ERROR.NONE)
      throw this.refused(
        errorCode === KAFKA_ERROR.UNSUPPORTED_SASL_MECHANISM
          ? `the broker offers ${mechanisms.join(', ')}`
          : kafkaError(errorCode).name,
      );
  }

  async send(message: string): Promise<string> {
    const authBytes = Buffer.from(message, 'utf8');
    const answer = await this.#connection.request('SaslAuthenticate', { authBytes });
    const { errorCode, errorMessage, sessionLifetimeMs } = answer.body;
    const reply = answer.body.authBytes.toString('utf8');
    answer.release();
    if (errorCode !== KAFKA_ERROR.NONE)
      throw this.refused(errorMessage ?? kafkaError(errorCode).name);
    if (sessionLifetimeMs > 0n) this.lifetimeMs = Number(sessionLifetimeMs);
    return reply;
  }

  refused(reason: string): AppError {
    return fail('KAFKA_AUTHENTICATION', {
      broker: this.#connection.broker,
      user: this.#user,
      mechanism: this.#mechanism,
      reason,
    });
  }
}

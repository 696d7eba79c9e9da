// The open connections of one client, by broker and use. Opens on demand, once at a time, and waits
// longer after each failure. A long poll holds up everything behind it on its connection, so reading
// and asking have a connection each.
import { AppError, fail } from '../../base/errors.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { type BrokerAddress, formatBrokerAddress } from './address.ts';
import { BrokerConnection, type ConnectionOptions } from './connection.ts';
import { type OauthConfig, oauthConfig, oauthName } from './oauth-config.ts';
import { OauthTokens } from './oauth-tokens.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import type { Bearer } from './sasl.ts';
import { loadTlsSettings, readHttpsAuthorities, type TlsSettings } from './tls-files.ts';

export type ConnectionUse = 'read' | 'ask';

export type ConnectionsOptions = Pick<ConnectionOptions, 'settings' | 'clock' | 'random'> & {
  /** Files that the settings name, see KafkaConnectionSpec. */
  readonly files?: KafkaConnectionSpec['files'];
};

interface Slot {
  connection: BrokerConnection | null;
  opening: Promise<BrokerConnection> | null;
  failures: number;
  /** Not before this (monotonic) is it tried again. */
  retryAtMs: number;
}

/** Bytes of receive buffers kept for use again, over all connections. */
const KEPT_BUFFER_BYTES = 48 * 1024 * 1024;

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #buffers = new ReceiveBuffers(KEPT_BUFFER_BYTES);
  readonly #slots = new Map<string, Slot>();
  #tls: Promise<TlsSettings | null> | null = null;
  readonly #closing = new AbortController();

  readonly #oauth: { readonly config: OauthConfig; readonly tokens: OauthTokens } | null;

  /** Throws what is wrong with the OAUTHBEARER properties. */
  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { settings, files, clock } = options;
    const config = oauthConfig(settings);
    this.#oauth =
      config === null
        ? null
        : {
            config,
            tokens: new OauthTokens({
              config,
              clock,
              timeoutMs: settings['socket.connection.setup.timeout.ms'],
              ca: () => readHttpsAuthorities(settings, files),
              closing: this.#closing.signal,
            }),
          };
  }

  /**
   * An open connection to the broker. Waits out the back-off of earlier failures. Rejects as
   * `BrokerConnection.open` does, and with CANCELLED after `close` or when the signal aborts.
   */
  async get(
    address: BrokerAddress,
    use: ConnectionUse,
    signal?: AbortSignal,
  ): Promise<BrokerConnection> {
    const slot = this.#slot(address, use);
    if (slot.connection?.usable === true) return slot.connection;
    slot.opening ??= this.#open(address, slot).finally(() => {
      slot.opening = null;
    });
    return signal === undefined ? slot.opening : untilAborted(slot.opening, signal);
  }

  async #open(address: BrokerAddress, slot: Slot): Promise<BrokerConnection> {
    const { clock, random, settings } = this.#options;
    // One whose session runs out is replaced while it may still have answers to come.
    slot.connection?.retire();
    slot.connection = null;
    const waitMs = slot.retryAtMs - clock.monotonicMs();
    if (waitMs > 0)
      await clock.sleep(waitMs, this.#closing.signal).catch(() => {
        throw fail('CANCELLED');
      });
    if (this.#closing.signal.aborted) throw fail('CANCELLED');
    try {
      this.#tls ??= loadTlsSettings(settings, this.#options.files);
      const tls = await this.#tls;
      const buffers = this.#buffers;
      const closing = this.#closing.signal;
      const open = (bearer: Bearer | null): Promise<BrokerConnection> =>
        BrokerConnection.open({ address, tls, buffers, closing, ...this.#options, bearer });
      const connection = await this.#loggedIn(open);
      if (this.#closing.signal.aborted) {
        connection.close();
        throw fail('CANCELLED');
      }
      slot.failures = 0;
      slot.connection = connection;
      return connection;
    } catch (thrown) {
      // A file that could not be read may be there the next time.
      this.#tls = null;
      const firstMs = settings['reconnect.backoff.ms'];
      const backOffMs = Math.min(
        firstMs * 2 ** slot.failures,
        settings['reconnect.backoff.max.ms'],
      );
      // 20% either way, so that many clients do not come back at the same moment.
      const jittered = (backOffMs * (80 + random.below(41))) / 100;
      slot.failures = Math.min(slot.failures + 1, 30);
      slot.retryAtMs = clock.monotonicMs() + jittered;
      throw thrown;
    }
  }

  /** Opens with a token where the mechanism wants one; a kept one that is refused gets a new one once. */
  async #loggedIn(
    open: (bearer: Bearer | null) => Promise<BrokerConnection>,
  ): Promise<BrokerConnection> {
    const oauth = this.#oauth;
    if (oauth === null) return open(null);
    const { extensions } = oauth.config;
    const name = oauthName(oauth.config);
    const { text: token, isOld } = await oauth.tokens.get();
    try {
      return await open({ token, extensions, name });
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'KAFKA_AUTHENTICATION') throw thrown;
      oauth.tokens.forget();
      if (!isOld) throw thrown;
      const fresh = await oauth.tokens.get();
      return open({ token: fresh.text, extensions, name });
    }
  }

  #slot(address: BrokerAddress, use: ConnectionUse): Slot {
    const key = `${use} ${formatBrokerAddress(address)}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { connection: null, opening: null, failures: 0, retryAtMs: 0 };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** Drops the connections to brokers that are no longer of the cluster. */
  keepOnly(addresses: readonly BrokerAddress[]): void {
    const kept = new Set(addresses.map(formatBrokerAddress));
    for (const [key, slot] of this.#slots) {
      if (kept.has(key.slice(key.indexOf(' ') + 1)) || slot.opening !== null) continue;
      slot.connection?.close();
      this.#slots.delete(key);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const slot of this.#slots.values()) slot.connection?.close();
    this.#slots.clear();
  }
}

/** The promise, or CANCELLED as soon as the signal aborts. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw fail('CANCELLED');
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(fail('CANCELLED'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // When the signal came first, the other outcome is nobody's business any more.
    promise.catch(() => undefined);
  }
}

/** The error that tells a user most, of the failures of several brokers. */
export function worstOf(errors: readonly unknown[]): AppError {
  const known = errors.filter((error): error is AppError => error instanceof AppError);
  const cancelled = known.find((error) => error.code === 'CANCELLED');
  const user = cancelled ?? known.find((error) => error.kind === 'user');
  if (user !== undefined) return user;
  if (known.length === 1 && known[0] !== undefined) return known[0];
  return fail(
    'KAFKA_UNREACHABLE',
    {
      brokers: known
        .map((error) => error.fields['brokers'] ?? error.fields['broker'] ?? '?')
        .join(', '),
      reason: [
        ...new Set(known.map((error) => String(error.fields['reason'] ?? error.message))),
      ].join('; '),
    },
    errors[0],
  );
}

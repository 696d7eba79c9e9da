// Opens a TCP or TLS socket whose bytes go straight into a FrameReceiver (`onread`: no chunk list, no
// concatenation) and words the ways in which that fails. Knows nothing of Kafka's requests.
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type AppError, fail } from '../../base/errors.ts';
import { type BrokerAddress, formatBrokerAddress } from './address.ts';
import type { FrameReceiver } from './frame-receiver.ts';
import type { KafkaSettings } from './properties.ts';
import type { TlsSettings } from './tls-files.ts';

export type TcpSettings = Pick<
  KafkaSettings,
  'socket.nagle.disable' | 'socket.keepalive.enable' | 'broker.address.family'
>;

const FAMILIES = { any: 0, v4: 4, v6: 6 } as const;

export interface SocketOptions {
  readonly address: BrokerAddress;
  readonly tls: TlsSettings | null;
  readonly tcp: TcpSettings;
  readonly receiver: FrameReceiver;
  /** Called once, when the socket is of no more use; never before `openSocket` resolved. */
  readonly onLost: (error: AppError) => void;
  /** Aborting it before the socket is open destroys it and rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Rejects with KAFKA_UNREACHABLE (retry) or KAFKA_TLS (user). */
export function openSocket(options: SocketOptions): Promise<Socket> {
  const { address, tls, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  let open = false;
  let connected = false;
  let lost: AppError | null = null;
  const socket = create(options, (error) => {
    lost = error;
    socket.destroy();
  });
  const end = (error: AppError): void => {
    signal.removeEventListener('abort', onAbort);
    if (open) options.onLost(lost ?? error);
    else reject(lost ?? error);
    open = false;
  };
  const onAbort = (): void => {
    socket.destroy();
    reject(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  let failure: Error | null = null;
  socket.setNoDelay(options.tcp['socket.nagle.disable']);
  socket.setKeepAlive(options.tcp['socket.keepalive.enable']);
  socket.on('connect', () => {
    connected = true;
  });
  socket.on(tls === null ? 'connect' : 'secureConnect', () => {
    signal.removeEventListener('abort', onAbort);
    open = true;
    resolve(socket);
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    if (open) end(connectionLost(address, failure));
    else end(connectFailure(address, failure, connected && tls !== null));
  });
  return promise;
}

function refusedAnswer(address: BrokerAddress, receiver: FrameReceiver): AppError {
  const broker = formatBrokerAddress(address);
  const { tooLargeBytes, maxFrameBytes } = receiver;
  if (tooLargeBytes === null) {
    return fail('KAFKA_NOT_A_BROKER', { broker, reason: 'its answer has an impossible size' });
  }
  return fail('KAFKA_ANSWER_TOO_LARGE', { broker, bytes: tooLargeBytes, limit: maxFrameBytes });
}

function create(options: SocketOptions, onBroken: (error: AppError) => void): Socket {
  const { address, tls, tcp, receiver } = options;
  const family = FAMILIES[tcp['broker.address.family']];
  const onread: OnReadOpts = {
    buffer: () => receiver.nextTarget(),
    callback: (count) => {
      // An exception here would end the process, so nothing may escape.
      try {
        if (receiver.written(count)) return true;
        onBroken(refusedAnswer(address, receiver));
      } catch (thrown) {
        onBroken(connectionLost(address, thrown));
      }
      return false;
    },
  };
  if (tls === null) return connectTcp({ host: address.host, port: address.port, family, onread });
  const { verify, checkHostName, ...secure } = tls;
  const isName = !/^[\d.]+$|:/.test(address.host);
  // The type of tls.connect's options leaves `onread` and `family` out; Node passes them on (checked by a test).
  const tlsOptions: ConnectionOptions & { onread: OnReadOpts; family: number } = {
    ...secure,
    host: address.host,
    port: address.port,
    family,
    onread,
    rejectUnauthorized: verify,
    // The server name extension takes names only, no addresses.
    ...(isName ? { servername: address.host } : {}),
    ...(checkHostName ? {} : { checkServerIdentity: () => undefined }),
  };
  return connectTls(tlsOptions);
}

function connectionLost(address: BrokerAddress, thrown: unknown): AppError {
  // TLS 1.3 brokers refuse a client's certificate only after the handshake.
  if (codeOf(thrown).startsWith('ERR_SSL_'))
    return fail(
      'KAFKA_TLS',
      { broker: formatBrokerAddress(address), reason: reasonOf(thrown) },
      thrown,
    );
  return fail(
    'KAFKA_CONNECTION_LOST',
    {
      broker: formatBrokerAddress(address),
      reason: thrown === null ? 'closed by the broker' : reasonOf(thrown),
    },
    thrown,
  );
}

/** @param inHandshake the TCP connection stood, TLS did not. */
function connectFailure(
  address: BrokerAddress,
  failure: Error | null,
  inHandshake: boolean,
): AppError {
  const broker = formatBrokerAddress(address);
  if (!inHandshake)
    return fail('KAFKA_UNREACHABLE', { brokers: broker, reason: reasonOf(failure) }, failure);
  const code = codeOf(failure);
  // A reset says nothing for sure: a broker that restarts does it, and so does a port without TLS.
  if (failure === null || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT')
    return fail(
      'KAFKA_UNREACHABLE',
      { brokers: broker, reason: 'the connection was closed during the TLS handshake' },
      failure,
    );
  return fail('KAFKA_TLS', { broker, reason: reasonOf(failure) }, failure);
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}

/** A connect to several addresses fails with an AggregateError that has no text of its own. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0)
    return thrown.errors.map(reasonOf).join('; ');
  // OpenSSL's message is full of file names; its reason is the readable part.
  if (thrown instanceof Error && 'reason' in thrown && typeof thrown.reason === 'string')
    return thrown.reason;
  if (thrown instanceof Error) return thrown.message === '' ? codeOf(thrown) : thrown.message;
  return thrown === null ? 'closed by the broker' : String(thrown);
}

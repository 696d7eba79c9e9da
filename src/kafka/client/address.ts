// Broker addresses as users write them.
import { fail } from '../../base/errors.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[ipv6]:port`. Throws KAFKA_PROPERTY_INVALID (user). */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]/,]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 0);
  if (host === undefined || port < 1 || port > 65_535)
    throw fail('KAFKA_PROPERTY_INVALID', {
      name: 'kafka_broker_list',
      value: text,
      expected: 'host:port, several separated by commas',
    });
  return { host, port };
}

export function formatBrokerAddress(address: BrokerAddress): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

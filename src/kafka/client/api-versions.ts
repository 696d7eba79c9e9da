// Which version of each API a connection uses: the highest that both sides know.
// SOURCE: KIP-35, KIP-511.
import { fail } from '../../base/errors.ts';
import { APIS, type ApiName } from '../protocol/apis.ts';
import { KAFKA_ERROR, kafkaError } from '../protocol/errors.ts';
import type { BrokerConnection } from './connection.ts';

/** The least version that has what the reader relies on; the codec may know older ones. */
const NEEDED_FROM: Partial<Record<ApiName, number>> = {
  // Leader epoch in the request (KIP-320).
  Fetch: 11,
  ListOffsets: 4,
  Metadata: 7,
};
const FIRST_TRIED = 3;
const SOFTWARE_NAME = 'millrace';

export class VersionTable {
  readonly #broker: string;
  readonly #served: ReadonlyMap<number, { minVersion: number; maxVersion: number }>;

  constructor(
    broker: string,
    apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[],
  ) {
    this.#broker = broker;
    this.#served = new Map(apiKeys.map((row) => [row.apiKey, row]));
  }

  /** Throws KAFKA_UNSUPPORTED_BROKER (user) when there is no version in common, KAFKA_NOT_A_BROKER (user) for a login that it does not know. */
  version(api: ApiName): number {
    const { key, minVersion, maxVersion } = APIS[api];
    const served = this.#served.get(key);
    if (api === 'SaslHandshake' && served === undefined) {
      const reason = 'it takes no login (SASL) here, but the job has one';
      throw fail('KAFKA_NOT_A_BROKER', { broker: this.#broker, reason });
    }
    const neededFrom = Math.max(NEEDED_FROM[api] ?? 0, minVersion);
    const version = Math.min(maxVersion, served?.maxVersion ?? -1);
    if (served === undefined || version < Math.max(neededFrom, served.minVersion))
      throw fail('KAFKA_UNSUPPORTED_BROKER', {
        broker: this.#broker,
        api,
        brokerRange: served === undefined ? 'none' : `${served.minVersion}-${served.maxVersion}`,
        neededRange: `${neededFrom}-${maxVersion}`,
      });
    return version;
  }
}

/** Asks the broker what it serves; the first request of a connection. */
export async function negotiateVersions(connection: BrokerConnection): Promise<VersionTable> {
  const body = { clientSoftwareName: SOFTWARE_NAME, clientSoftwareVersion: '1' };
  let answer = await connection.request('ApiVersions', body, { version: FIRST_TRIED });
  // A broker that is older than the version asked with may name what it serves, or only the error.
  if (answer.body.errorCode === KAFKA_ERROR.UNSUPPORTED_VERSION && answer.body.apiKeys.length === 0)
    answer = await connection.request('ApiVersions', body, { version: 0 });
  const { errorCode, apiKeys } = answer.body;
  answer.release();
  if (errorCode !== KAFKA_ERROR.NONE && errorCode !== KAFKA_ERROR.UNSUPPORTED_VERSION)
    throw fail('KAFKA_REQUEST_REFUSED', {
      broker: connection.broker,
      api: 'ApiVersions',
      error: kafkaError(errorCode).name,
    });
  return new VersionTable(connection.broker, apiKeys);
}

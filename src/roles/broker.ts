// The embedded broker's process. For trying out and for tests; a real Kafka takes its place by naming
// it in kafka_broker_list.
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { BrokerApi } from '../cluster/rpc/messages.ts';
import { type Broker, startBroker } from '../kafka/broker/broker.ts';
import type { RunningRole } from './child-main.ts';
import { type ChildSettings, connectToParent } from './child-process.ts';

interface NoCalls {
  none: { params: null; result: null };
}

export async function startBrokerRole(settings: ChildSettings, log: Log): Promise<RunningRole> {
  let running: Promise<Broker> | undefined;
  const peer = connectToParent<BrokerApi, NoCalls>(
    {
      start: async ({ port }) => {
        running ??= startBroker({
          dataDir: join(settings.dataDir, 'broker'),
          host: settings.bindHost,
          port,
          clock: systemClock,
          random: systemRandom,
          log,
        });
        return { port: (await running).port };
      },
      ping: async () => ({ rssBytes: process.memoryUsage.rss() }),
    },
    { clock: systemClock, rpcTimeoutMs: settings.rpcTimeoutMs },
  );
  return {
    closed: peer.closed,
    stop: async () => {
      await (await running)?.close();
    },
  };
}

// An embedded broker in a process of its own, so that its CPU does not count as Millrace's. Prints its
// port, ends when standard input ends. Usage: node bench/broker-process.ts DIR
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { startBroker } from '../src/kafka/broker/broker.ts';

const broker = await startBroker({
  dataDir: process.argv[2] ?? '',
  host: '127.0.0.1',
  port: 0,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
});
console.log(broker.port);
process.stdin.on('end', () => {
  void broker.close().then(() => process.exit(0));
});
process.stdin.resume();

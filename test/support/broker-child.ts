// A process that runs an embedded broker until it is killed: `node broker-child.ts DIR PORT`.
import { startTestBroker } from './embedded-broker.ts';

const [dataDir = '', port = '0'] = process.argv.slice(2);
const broker = await startTestBroker(dataDir, { segmentBytes: 256 * 1024 }, Number(port));
process.stdout.write(`${broker.port}\n`);

// The clients of the bench of merge commit, in a process of their own: requests of about 1 KB, so many a second whether
// or not earlier ones were answered, over connections that are kept. Times are of those sent after `fromMs`: this process
// itself begins slowly, with hundreds of connections. Arguments: port, requests a second, milliseconds, `fromMs`, first id.
// Prints one JSON object.
import { Agent, request } from 'node:http';
import { systemClock } from '../src/base/clock.ts';

const STEP_MS = 10;
const FILL = 'x'.repeat(1000);
const [port, perSecond, forMs, fromMs, firstId] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 4000 });
const tookMs: number[] = [];
const failures: string[] = [];
const beganMs = systemClock.monotonicMs();
let count = 0;

function send(id: number): Promise<void> {
  const startMs = systemClock.monotonicMs();
  const body = `${id},${FILL}\n`;
  return new Promise((resolve) => {
    const sending = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path: '/api/bench/merged/_stream_load',
        method: 'PUT',
        headers: {
          authorization: `Basic ${Buffer.from('root:').toString('base64')}`,
          column_separator: ',',
          enable_merge_commit: 'true',
          merge_commit_interval_ms: '500',
          merge_commit_parallel: '1',
          'content-length': body.length,
        },
      },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8');
        reply.on('data', (chunk: string) => {
          text += chunk;
        });
        reply.on('end', () => {
          if (!text.includes('"Status": "Success"')) failures.push(text);
          count += 1;
          if (startMs - beganMs >= (fromMs ?? 0)) tookMs.push(systemClock.monotonicMs() - startMs);
          resolve();
        });
      },
    );
    sending.on('error', (error) => {
      failures.push(String(error));
      resolve();
    });
    sending.end(body);
  });
}

const all: Promise<void>[] = [];
for (let passedMs = 0; passedMs < (forMs ?? 0); ) {
  passedMs = systemClock.monotonicMs() - beganMs;
  // What is late is made up for.
  const due = Math.floor((Math.min(passedMs, forMs ?? 0) / 1000) * (perSecond ?? 0));
  while (all.length < due) all.push(send((firstId ?? 0) + all.length));
  await systemClock.sleep(STEP_MS);
}
await Promise.all(all);
agent.destroy();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ count, tookMs, failures, cpuSeconds: (user + system) / 1e6 }));

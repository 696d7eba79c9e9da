// Plays the walk-throughs of test/golden/ as a user does, with the mysql command line and a shell, and
// compares what is shown with the text of the documentation. Only hosts and ports are put in; ids, times,
// uuids, rates and the random click events are masked on both sides.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaToolOk } from '../peers/kafka.ts';
import { mysqlCli } from '../peers/mysql-cli.ts';
import { runOk } from '../peers/processes.ts';
import { pythonVenv } from '../peers/python.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden');
const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'clicks');
const AGAIN_MS = 30_000;

interface Step {
  readonly kind: string;
  readonly body: string;
  /** What may be shown; empty = anything but an error. */
  readonly shows: readonly string[];
}

export interface Walk {
  readonly feConf: string;
  readonly steps: readonly Step[];
}

/** Reads test/golden/NAME.txt: sections `### KIND`, `shows` and `or` belonging to the one before. */
export function readWalk(name: string): Walk {
  const sections = readFileSync(join(GOLDEN, `${name}.txt`), 'utf8')
    .split(/^### /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf('\n');
      return { head: text.slice(0, end), body: `${text.slice(end + 1).trimEnd()}\n` };
    });
  const steps: Step[] = [];
  let feConf = '';
  for (const { head, body } of sections) {
    const last = steps.at(-1);
    if (head === 'fe.conf') feConf = body;
    else if (head === 'shows' || head === 'or') {
      assert.ok(last !== undefined, `${name}: '${head}' belongs to no step`);
      steps[steps.length - 1] = { ...last, shows: [...last.shows, body] };
    } else if (head !== 'note') steps.push({ kind: head, body, shows: [] });
  }
  return { feConf, steps };
}

/** The documentation's hosts and where they really are. */
export interface Hosts {
  readonly kafka: string;
  readonly s3: string;
}

export function withHosts(text: string, hosts: Hosts): string {
  return text
    .replaceAll(/redpanda:29092|10\.0\.96\.4:9092/g, hosts.kafka)
    .replaceAll('minio:9000', hosts.s3);
}

export interface WalkOptions {
  readonly queryPort: number;
  readonly hosts: Hosts;
  /** Keys of the objects in a bucket. */
  readonly objects: (bucket: string) => Promise<readonly string[]>;
}

/** Plays all steps; throws an AssertionError at the first that shows something else. */
export async function playWalk(walk: Walk, options: WalkOptions): Promise<void> {
  const produced: string[] = [];
  let database: string | undefined;
  for (const step of walk.steps) {
    const body = withHosts(step.body, options.hosts);
    const expected = (): string[] =>
      step.shows.map((text) => mask(withHosts(text, options.hosts), produced));
    switch (step.kind) {
      case 'shell': {
        const printed = await shell(body.trim(), options.hosts.kafka);
        produced.push(...messagesOf(printed));
        if (step.shows.length > 0) assertShown(body, mask(printed, produced), expected());
        break;
      }
      case 'objects': {
        const keys = await options.objects(body.trim());
        assert.ok(
          keys.some((key) => key.endsWith('.parquet')),
          `bucket ${body.trim()} holds ${keys.join(' ') || 'nothing'}`,
        );
        break;
      }
      case 'mysql':
      case 'mysql, again until it is so': {
        const use = database;
        const play = (): Promise<string> =>
          mysqlCli(options.queryPort, body, use === undefined ? {} : { database: use });
        let shown = await play();
        const until = performance.now() + (step.kind === 'mysql' ? 0 : AGAIN_MS);
        while (!expected().includes(mask(shown, produced)) && performance.now() < until)
          shown = await play();
        if (step.shows.length === 0) assert.doesNotMatch(shown, /^ERROR/m, body);
        else assertShown(body, mask(shown, produced), expected());
        assertRows(shown, produced);
        database = /^USE (\w+);/m.exec(body)?.[1] ?? database;
        break;
      }
      default:
        throw new Error(`unknown step '${step.kind}'`);
    }
  }
}

function assertShown(body: string, shown: string, expected: readonly string[]): void {
  if (expected.includes(shown)) return;
  // The most useful difference is the one to the last of what may be shown.
  assert.equal(shown, expected.at(-1), `after\n${body}`);
}

async function shell(command: string, kafka: string): Promise<string> {
  const tool = KAFKA_COMMAND.exec(command);
  if (tool !== null) return await kafkaCommand(tool);
  const [program, ...args] = command.split(' ');
  assert.equal(program, 'python');
  return runOk(await pythonVenv(), args, { cwd: EXAMPLE, env: { KAFKA_BOOTSTRAP: kafka } });
}

/** `[echo 'LINE' | ] [sh ][./]kafka-NAME.sh ARGUMENTS`, as the documentation of Kafka writes it. */
const KAFKA_COMMAND = /^(?:echo '([^']*)' \| )?(?:sh )?(?:\.\/)?kafka-([a-z-]+)\.sh (.*)$/;

const KAFKA_CLASSES: Readonly<Record<string, string>> = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
};
/** A console consumer reads on until somebody stops it. */
const CONSUMER_MS = 10_000;

async function kafkaCommand([, line, name = '', rest = '']: RegExpExecArray): Promise<string> {
  const mainClass = KAFKA_CLASSES[name];
  assert.ok(mainClass !== undefined, `no tool kafka-${name}.sh`);
  const args = rest.replace('--broker-list', '--bootstrap-server').split(' ');
  if (name === 'console-consumer') args.push('--timeout-ms', String(CONSUMER_MS));
  return await kafkaToolOk(mainClass, args, line === undefined ? {} : { input: `${line}\n` });
}

function messagesOf(printed: string): string[] {
  return [...printed.matchAll(/^b'(.*)'$/gm)].map((match) => match[1] ?? '');
}

const CLICK_ROW = /^\| +(\d+) \| (https:\S+) +\| (\d+) \|$/gm;

/** The rows of a click table are exactly the messages that gen.py printed, each once. */
function assertRows(shown: string, produced: readonly string[]): void {
  const rows = [...shown.matchAll(CLICK_ROW)].map((match) => match.slice(1).join(' ')).sort();
  if (rows.length === 0) return;
  const wanted = produced.map((message) => {
    const click: unknown = JSON.parse(message);
    assert.ok(typeof click === 'object' && click !== null);
    return Object.values(click).join(' ');
  });
  assert.deepEqual(rows, wanted.sort());
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/[ \t]+$/gm, ''],
  [/\(\d+\.\d+ sec\)/g, '(T sec)'],
  [/^( +Id: )\d+$/gm, '$1ID'],
  [/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/g, 'TIME'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'],
  [/("(?:loadRowsRate|receivedBytesRate|taskExecuteTimeMs)":)\d+/g, '$1N'],
  [/^( +TimestampProgress: \{"0":)"\d{13}"/gm, '$1"TIMESTAMP"'],
  // Random click events; the width of their box follows them.
  [/^b'\{ "uid": \d+, "site": "https:[^"]+", "vtime": \d{10} \} '$/gm, 'MESSAGE'],
  [CLICK_ROW, '| CLICK |'],
  [/^\+-+\+-+\+-+\+$/gm, '+-+-+-+'],
  // The documentation prints a wider box than its values need.
  [/\+-+(?=\+)/g, '+-'],
  [/(?<=^\|.*) {2,}/gm, ' '],
  [/^\| uid +\| site +\| vtime +\|$/gm, '| uid | site | vtime |'],
];

function mask(text: string, produced: readonly string[]): string {
  const bytes = produced.reduce((sum, message) => sum + Buffer.byteLength(message), 0);
  // 372 is what the documentation's five messages sum up to; ours are as random as those.
  const summed = text.replaceAll('"receivedBytes":372', `"receivedBytes":${bytes}`);
  return `${MASKS.reduce((masked, [pattern, by]) => masked.replaceAll(pattern, by), summed).trimEnd()}\n`;
}

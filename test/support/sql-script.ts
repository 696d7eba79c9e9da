// Text scripts over the wire: `statement ok`, `statement error`, `query` and a few words for Kafka.
// A script is blocks parted by blank lines; lines that begin with # are comments. `${NAME}` is replaced.
//
//   statement ok                    one statement that must succeed
//   statement error 1064 REGEX      must fail with that number and a message that matches
//   query [names] [sorted] [until]  rows after a line `----`, cells parted by tabs, NULL as NULL,
//                                   line breaks and tabs in cells as \n and \t, an empty row as \e; `names`: the first line
//                                   holds the column names; `until`: polled until the rows are there;
//                                   a line `/REGEX/` matches a whole line
//   connect NAME [PASSWORD] [DATABASE]
//                                   opens a connection as the user NAME; the blocks that follow run on it
//                                   (`-` = no password); a line `1045 REGEX` below: must be refused so
//   switch NAME                     goes on with an open connection; `root` is the first one
//   topic NAME [PARTITIONS]         makes a topic of the embedded broker
//   drop topic NAME                 deletes it
//   send TOPIC [PARTITION]          one message per line that follows
//   records TOPIC [PARTITION]       one per line as JSON: {"value", "key", "timestamp" (ms), "headers": [[name, value]]};
//                                   `base64:` begins a value or key that is no text

export interface ScriptBlock {
  readonly line: number;
  readonly verb: (typeof VERBS)[number];
  /** Words after the verb; for `statement error` the number and the expression. */
  readonly words: readonly string[];
  readonly body: readonly string[];
  /** Lines after `----`. */
  readonly expected: readonly string[];
}

/** A message with what goes beside its value. */
export interface ScriptRecord {
  readonly value: string;
  readonly key?: string;
  readonly timestamp?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What a script is played against. */
export interface ScriptTarget {
  /** Rows as text; throws what mysql2 throws. */
  query(sql: string): Promise<{
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | null)[])[];
  }>;
  /** Opens a connection as a user; what runs next runs on it. Throws what mysql2 throws. */
  connect(user: string, password: string, database: string | undefined): Promise<void>;
  /** Goes on with an open connection. */
  switchTo(user: string): void;
  makeTopic(name: string, partitions: number): Promise<void>;
  dropTopic(name: string): Promise<void>;
  send(topic: string, partition: number, values: readonly string[]): Promise<void>;
  sendRecords(topic: string, partition: number, records: readonly ScriptRecord[]): Promise<void>;
  /** `${NAME}` -> text. */
  readonly variables: Readonly<Record<string, string>>;
}

const VERBS = [
  'statement ok',
  'statement error',
  'query',
  'connect',
  'switch',
  'topic',
  'drop topic',
  'send',
  'records',
] as const;
const UNTIL_MS = 30_000;

export function parseScript(text: string): ScriptBlock[] {
  const blocks: ScriptBlock[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const head = lines[at] ?? '';
    if (head === '' || head.startsWith('#')) continue;
    const verb = VERBS.find((known) => head === known || head.startsWith(`${known} `));
    if (verb === undefined) throw new Error(`line ${at + 1}: unknown block '${head}'`);
    const line = at + 1;
    const block: string[] = [];
    while (at + 1 < lines.length && lines[at + 1] !== '') {
      at += 1;
      block.push(lines[at] ?? '');
    }
    const rule = block.indexOf('----');
    const rest = head.slice(verb.length).trim();
    blocks.push({
      line,
      verb,
      words: rest === '' ? [] : verb === 'statement error' ? splitError(rest) : rest.split(' '),
      body: rule < 0 ? block : block.slice(0, rule),
      expected: rule < 0 ? [] : block.slice(rule + 1),
    });
  }
  return blocks;
}

function splitError(rest: string): string[] {
  const space = rest.indexOf(' ');
  return space < 0 ? [rest, ''] : [rest.slice(0, space), rest.slice(space + 1)];
}

/** Plays one block. Throws an Error that names the line, what was expected and what came. */
export async function playBlock(block: ScriptBlock, target: ScriptTarget): Promise<void> {
  const fill = (text: string): string => fillIn(text, target.variables);
  const sql = fill(block.body.join('\n'));
  switch (block.verb) {
    case 'statement ok':
      await target.query(sql).catch((error: unknown) => {
        throw new Error(`line ${block.line}: ${sql}\nfailed with ${describe(error)}`);
      });
      return;
    case 'statement error':
      return expectError(block, sql, target);
    case 'query':
      return expectRows(block, sql, target);
    case 'connect':
      return connect(block, target);
    case 'switch':
      target.switchTo(block.words[0] ?? '');
      return;
    case 'topic':
      return target.makeTopic(fill(block.words[0] ?? ''), Number(block.words[1] ?? '1'));
    case 'drop topic':
      return target.dropTopic(fill(block.words[0] ?? ''));
    case 'send':
      return target.send(
        fill(block.words[0] ?? ''),
        Number(block.words[1] ?? '0'),
        block.body.map(fill),
      );
    case 'records':
      return target.sendRecords(
        fill(block.words[0] ?? ''),
        Number(block.words[1] ?? '0'),
        block.body.map((line) => JSON.parse(fill(line)) as ScriptRecord),
      );
  }
}

/** `connect NAME [PASSWORD] [DATABASE]`; with an expected error in the lines below: `1045 REGEX`. */
async function connect(block: ScriptBlock, target: ScriptTarget): Promise<void> {
  const words = block.words.map((word) => fillIn(word, target.variables));
  const [user = '', password = '', database] = words;
  const opened = target.connect(user, password === '-' ? '' : password, database);
  const [expected] = block.body;
  if (expected === undefined) {
    await opened.catch((error: unknown) => {
      throw new Error(`line ${block.line}: connect ${user}\nfailed with ${describe(error)}`);
    });
    return;
  }
  const got = await opened.then(
    () => 'no error',
    (error: unknown) => describe(error),
  );
  const [errno = '', pattern = ''] = splitError(expected);
  if (!got.startsWith(`${errno} `) || !new RegExp(pattern).test(got)) {
    throw new Error(`line ${block.line}: connect ${user}\nexpected ${expected}\ngot      ${got}`);
  }
}

const nameOf = (variable: string): string => `$\{${variable}}`;

function fillIn(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
}

async function expectError(block: ScriptBlock, sql: string, target: ScriptTarget): Promise<void> {
  const [errno = '', pattern = ''] = block.words;
  let caught: unknown;
  try {
    await target.query(sql);
  } catch (error) {
    caught = error;
  }
  if (caught === undefined) throw new Error(`line ${block.line}: ${sql}\ndid not fail`);
  const got = describe(caught);
  const expression = new RegExp(fillIn(pattern, target.variables));
  if (!got.startsWith(`${errno} `) || !expression.test(got)) {
    throw new Error(`line ${block.line}: ${sql}\nexpected ${errno} ${pattern}\ngot      ${got}`);
  }
}

async function expectRows(block: ScriptBlock, sql: string, target: ScriptTarget): Promise<void> {
  const want = block.expected.map((line) => fillIn(line, target.variables));
  const deadline = performance.now() + (block.words.includes('until') ? UNTIL_MS : 0);
  for (;;) {
    const got = await resultLines(block, sql, target);
    const same =
      got.length === want.length && got.every((line, at) => matchesLine(line, want[at] ?? ''));
    if (same) return;
    if (performance.now() >= deadline) {
      throw new Error(
        `line ${block.line}: ${sql}\nexpected\n${want.join('\n')}\ngot\n${got.join('\n')}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function matchesLine(line: string, want: string): boolean {
  if (line === want) return true;
  const expression = /^\/(.*)\/$/.exec(want)?.[1];
  return expression !== undefined && new RegExp(`^${expression}$`).test(line);
}

/** The lines that a query block compares. */
export async function resultLines(
  block: ScriptBlock,
  sql: string,
  target: ScriptTarget,
): Promise<string[]> {
  const { columns, rows } = await target.query(sql).catch((error: unknown) => {
    throw new Error(`line ${block.line}: ${sql}\nfailed with ${describe(error)}`);
  });
  const lines = rows.map((row) => row.map(cellText).join('\t') || '\\e');
  if (block.words.includes('sorted')) lines.sort();
  return block.words.includes('names') ? [columns.join('\t'), ...lines] : lines;
}

function cellText(cell: string | null): string {
  if (cell === null) return 'NULL';
  return cell.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** `1064 HY000 message`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const errno = 'errno' in error ? error.errno : '';
  const state = 'sqlState' in error ? error.sqlState : '';
  return `${errno} ${state} ${error.message}`;
}

/** The script with the rows and errors that came written in: for making scripts, always to be read through. */
export async function rewriteScript(text: string, target: ScriptTarget): Promise<string> {
  const lines = text.split('\n');
  const out: string[] = [];
  let copied = 0;
  for (const block of parseScript(text)) {
    const fill = (part: string): string => fillIn(part, target.variables);
    const sql = fill(block.body.join('\n'));
    const hasMask = block.expected.some((line) => line.startsWith('/'));
    if (block.verb !== 'query' || block.words.includes('until') || hasMask) {
      await playBlock(block, target).catch((error: unknown) => console.error(String(error)));
      continue;
    }
    const from = block.line + block.body.length;
    out.push(...lines.slice(copied, from), '----');
    const rows = await resultLines(block, sql, target).catch((error: unknown) => {
      console.error(String(error));
      return block.expected;
    });
    const { DIR = '', BROKER = '' } = target.variables;
    const named = rows.map((row) =>
      row.replaceAll(DIR, nameOf('DIR')).replaceAll(BROKER, nameOf('BROKER')),
    );
    out.push(...named);
    copied = from;
    while (copied < lines.length && lines[copied] !== '') copied += 1;
  }
  return [...out, ...lines.slice(copied)].join('\n');
}

// Micro benchmark of the MySQL row encoder alone: 3 columns (BIGINT, a 26-byte url, DOUBLE) in memory.
// Run: node bench/mysql-encode.ts [--json]. Prints one line per case; baseline = a plain-JavaScript
// encoder that makes one Buffer per row, as a straightforward server would.
import { RowEncoder } from '../src/mysql/row-encoder.ts';

const ROWS = 1_000_000;
const REPEATS = 5;

const urls = Buffer.alloc(1024 * 26);
for (let i = 0; i < 1024; i++)
  urls.write(`https://site.test/p/${String(i).padStart(6, '0')}`, i * 26);
const urlTexts = Array.from({ length: 1024 }, (_, i) => urls.toString('utf8', i * 26, i * 26 + 26));
const prices = Array.from({ length: 1024 }, (_, i) => `${i}.${(i * 37) % 100}`);
const ids = new Int32Array(2 * 1024);
for (let i = 0; i < 1024; i++) {
  const id = BigInt(i) * 7_919_331n + 1_700_000_000_000n;
  ids[2 * i] = Number(id & 0xffffffffn) | 0;
  ids[2 * i + 1] = Number(id >> 32n);
}

function encode(mode: 'bytes' | 'strings'): number {
  let total = 0;
  const encoder = new RowEncoder(4, (chunk) => {
    total += chunk.length;
  });
  for (let i = 0; i < ROWS; i++) {
    const k = i & 1023;
    encoder.startRow();
    if (mode === 'bytes') {
      encoder.int64(ids[2 * k] ?? 0, ids[2 * k + 1] ?? 0);
      encoder.utf8(urls, k * 26, k * 26 + 26);
    } else {
      encoder.integer(i);
      encoder.string(urlTexts[k] ?? '');
    }
    encoder.ascii(prices[k] ?? '');
    encoder.endRow();
  }
  encoder.flush();
  return total;
}

function baseline(): number {
  let total = 0;
  let sequence = 4;
  for (let i = 0; i < ROWS; i++) {
    const k = i & 1023;
    const values = [
      Buffer.from(String(i)),
      Buffer.from(urlTexts[k] ?? ''),
      Buffer.from(prices[k] ?? ''),
    ];
    const parts = values.flatMap((value) => [Buffer.of(value.length), value]);
    const payload = Buffer.concat(parts);
    const header = Buffer.alloc(4);
    header.writeUIntLE(payload.length, 0, 3);
    header[3] = sequence;
    sequence = (sequence + 1) & 0xff;
    total += Buffer.concat([header, payload]).length;
  }
  return total;
}

function measure(name: string, run: () => number, baseSeconds: number | null): number {
  run();
  const runs: number[] = [];
  let sizeBytes = 0;
  for (let i = 0; i < REPEATS; i++) {
    const start = process.hrtime.bigint();
    sizeBytes = run();
    runs.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  runs.sort((a, b) => a - b);
  const median = runs[REPEATS >> 1] ?? 0;
  const result = {
    name,
    rows: ROWS,
    seconds: median,
    rowsPerSecond: Math.round(ROWS / median),
    megabytesPerSecond: Math.round(sizeBytes / median / 1e6),
    ratio: baseSeconds === null ? 1 : Number((baseSeconds / median).toFixed(2)),
    runs,
  };
  console.log(
    process.argv.includes('--json')
      ? JSON.stringify(result)
      : `${name}: ${(result.rowsPerSecond / 1e6).toFixed(2)} M rows/s, ${result.megabytesPerSecond} MB/s, ${result.ratio} x baseline`,
  );
  return median;
}

const base = measure('mysql-encode-baseline', baseline, null);
measure('mysql-encode-bytes', () => encode('bytes'), base);
measure('mysql-encode-strings', () => encode('strings'), base);

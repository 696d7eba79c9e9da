// `npm run wasm`: the modules that are written in WebAssembly's text form, as TypeScript that holds their bytes, so
// that nothing is compiled where Millrace is installed. A test says when one is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import openWabt from 'wabt';

/** Text form -> the file made of it. */
export const WASM_MODULES: ReadonlyMap<string, string> = new Map([
  ['src/pipeline/source/body/line-scan.wat', 'src/pipeline/source/body/line-scan-code.ts'],
]);

const LINE_CHARACTERS = 100;

/** The text of the file that holds the module's bytes. */
export async function wasmCode(source: string): Promise<string> {
  const { parseWat } = await openWabt();
  const parsed = parseWat(source, readFileSync(source, 'utf8'), { simd: true });
  parsed.validate();
  const base64 = Buffer.from(parsed.toBinary({}).buffer).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return [
    `// Made of ${source} by \`npm run wasm\`: the module's bytes in base64.`,
    'export const LINE_SCAN_CODE = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main)
  for (const [source, target] of WASM_MODULES) writeFileSync(target, await wasmCode(source));

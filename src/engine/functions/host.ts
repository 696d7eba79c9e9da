// What the engine's process knows about its machine.
import { hostname } from 'node:os';
import { type JsFunction, strictFunction } from './define.ts';

export const HOST_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_host_name', [], 'VARCHAR', () => hostname()),
];

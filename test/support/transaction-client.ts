// Requests of transactions of Stream Loads, as clients send them.
import { basic } from './stream-client.ts';

export type TransactionReply = Readonly<Record<string, unknown>>;

/** A request of `/api/transaction/`; with a body it is a load. Returns the fields of its answer. */
export async function transactionOp(
  port: number,
  op: 'begin' | 'load' | 'prepare' | 'commit' | 'rollback',
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<TransactionReply> {
  const response = await fetch(`http://127.0.0.1:${port}/api/transaction/${op}`, {
    method: body === undefined ? 'POST' : 'PUT',
    headers: { authorization: basic(), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return (await response.json()) as TransactionReply;
}

/** Status and message of an answer as one text. */
export function wordsOf({ Status: status, Message: message }: TransactionReply): string {
  return `${status} ${message}`.trim();
}

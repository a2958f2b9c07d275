// What a call of an orchestrator is about, and what it did last that the world outside remembers: so that a place between two
// effects has a name ("a commit of a step, after a signature"). The programs know nothing of it.

import { AsyncLocalStorage } from 'node:async_hooks';

interface Errand {
  readonly what: string;
  after: string | undefined;
}

const errands = new AsyncLocalStorage<Errand>();

/** What others do not forget: a signature, a void, a burial, an entry, a broadcast. */
const EFFECTS = ['sign', 'void', 'bury', 'governance-append', 'eth_sendRawTransaction', 'sendrawtransaction'];

export function onErrand<T>(what: string, work: () => Promise<T>): Promise<T> {
  return errands.run({ what, after: undefined }, work);
}

/** Something is asked of the signer or a node. */
export function asked(verb: string): void {
  const errand = errands.getStore();
  if (errand && EFFECTS.includes(verb)) errand.after = verb;
}

/** What this commit is of. What comes after it is after nothing. */
export function commitOf(): string {
  const { what, after } = errands.getStore() ?? { what: 'start', after: undefined };
  return after === undefined ? what : `${what} after ${after}`;
}

export function committed(): void {
  const errand = errands.getStore();
  if (errand) errand.after = undefined;
}

// A link that answers from recordings of Ledger's own apps (test/vectors/ledger), and from nothing else: a command that was not recorded
// in this order fails the test. For tests alone; not part of any program.

import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { LedgerLink } from './link.js';

const recordings = z.strictObject({
  seed: z.string(),
  path: z.string(),
  recordings: z.array(
    z.strictObject({
      title: z.string(),
      app: z.string(),
      screens: z.array(z.string()),
      exchanges: z.array(z.strictObject({ sent: z.string(), answered: z.string() })),
    }),
  ),
});

const file = new URL('../../test/vectors/ledger/exchanges.json', import.meta.url);
const recorded = recordings.parse(JSON.parse(readFileSync(file, 'utf8')));

export const RECORDED_PATH = recorded.path;

export class ReplayLink implements LedgerLink {
  private readonly left: { readonly sent: string; readonly answered: string }[];
  closed = false;

  /** Plays recordings by their titles, one after the other. */
  constructor(...titles: readonly string[]) {
    this.left = titles.flatMap((title) => {
      const found = recorded.recordings.find((one) => one.title === title);
      if (!found) throw new Error(`there is no recording "${title}"`);
      return found.exchanges;
    });
  }

  get isOver(): boolean {
    return this.left.length === 0;
  }

  exchange(apdu: Uint8Array): Promise<Uint8Array> {
    const next = this.left.shift();
    if (next?.sent !== bytesToHex(apdu)) {
      return Promise.reject(new Error(`not recorded: ${bytesToHex(apdu)}, but ${next?.sent ?? 'nothing'}`));
    }
    return Promise.resolve(hexToBytes(next.answered));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

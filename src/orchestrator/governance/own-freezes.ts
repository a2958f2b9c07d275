// The orchestrator stops the signer by itself, with a freeze key, where it sees what must not be: somebody else uses a wallet's
// key, or the audit log in its database was changed. Nobody can ask it to, and it cannot thaw. It remembers nothing: what it
// has frozen once stands in the log, and what it saw is seen again as long as it is so.

import { bytesToHex } from '@noble/hashes/utils.js';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import { draftEntry } from '../../core/governance/draft.js';
import { entryBytes, type FreezeScope } from '../../core/governance/entry.js';
import { type GovernanceState, scopeKey } from '../../core/governance/state.js';
import type { Ed25519Key } from '../../platform/ed25519-key.js';
import type { GovernanceService } from './governance.service.js';

export type OwnFreezeFaultCode =
  /** Governance has no such freeze key, or another public key under its id. */
  | 'freeze-key-unknown'
  /** The signer did not take the freeze. */
  | 'freeze-refused';

export interface OwnFreezeKey {
  readonly keyId: string;
  readonly key: Ed25519Key;
}

/** What is to be stopped, and the words for it in the log: the same words for the same thing. */
export interface Seen {
  readonly scope: FreezeScope;
  readonly why: string;
}

/** What a fault says that must not be; undefined for all that can happen without a thief. */
export function seenIn(error: unknown): Seen | undefined {
  if (!(error instanceof Fault)) return undefined;
  const { walletId, nonce, firstUnsigned } = error.facts;
  switch (error.code) {
    case 'nonce-foreign':
      return typeof walletId === 'string'
        ? {
            scope: { kind: 'wallet', walletId },
            why: `nonce ${nonce ?? firstUnsigned ?? 'unknown'} used by somebody else`,
          }
        : undefined;
    case 'audit-log-damaged':
    case 'audit-log-unprovable':
    case 'audit-entry-beyond-end':
      return { scope: { kind: 'everything' }, why: 'the stored audit log was changed' };
    default:
      return undefined;
  }
}

function isStopped({ frozen }: GovernanceState, scope: FreezeScope): boolean {
  return frozen.has(scopeKey({ kind: 'everything' })) || frozen.has(scopeKey(scope));
}

const keyOf = ({ scope, why }: Seen) => `${scopeKey(scope)} ${why}`;

/** Others may put entries before ours: then it is made anew the next time. */
const OVERTAKEN: readonly string[] = ['governance-sequence', 'governance-previous-mismatch'];

export class OwnFreezes {
  private readonly waiting = new Map<string, Seen>();
  private readonly done = new Set<string>();

  constructor(
    private readonly governance: Pick<GovernanceService, 'state' | 'entries' | 'append' | 'refresh'>,
    private readonly clock: Clock,
    /** Undefined: nothing is frozen. */
    private readonly own: OwnFreezeKey | undefined,
  ) {}

  /** Takes note of a fault; what is no reason to freeze is let go. */
  see(error: unknown): void {
    const seen = this.own && seenIn(error);
    if (seen && !this.done.has(keyOf(seen))) this.waiting.set(keyOf(seen), seen);
  }

  /** Freezes what was seen. Throws `freeze-key-unknown`, `freeze-refused`, the signer client's faults; nothing is forgotten then. */
  async handIn(): Promise<void> {
    const { own } = this;
    if (!own || this.waiting.size === 0) return;
    await this.governance.refresh();
    for (const [key, seen] of this.waiting) {
      const isDone = (await this.wasFrozen(own, seen)) || (await this.freeze(own, seen));
      if (!isDone) continue;
      this.done.add(key);
      this.waiting.delete(key);
    }
  }

  /** By this key and for this reason: if it is thawed now, a quorum has thawed it knowing the reason. */
  private async wasFrozen({ keyId }: OwnFreezeKey, seen: Seen): Promise<boolean> {
    for (let from = 0; ; ) {
      const page = await this.governance.entries(from);
      if (page.length === 0) return false;
      const isFound = page.some(
        ({ body: { change }, signatures }) =>
          change.kind === 'frozen' &&
          keyOf(change) === keyOf(seen) &&
          signatures.some(({ credentialId }) => credentialId === keyId),
      );
      if (isFound) return true;
      from += page.length;
    }
  }

  /** False: not yet. */
  private async freeze({ keyId, key }: OwnFreezeKey, { scope, why }: Seen): Promise<boolean> {
    const state = this.governance.state();
    if (state.freezeKeys.get(keyId)?.publicKey !== key.publicKey) {
      throw new Fault<OwnFreezeFaultCode>('freeze-key-unknown', 'governance has no such freeze key', {
        facts: { keyId, publicKey: key.publicKey },
      });
    }
    // Somebody was faster. It is frozen for this reason when that is thawed and it is still seen.
    if (isStopped(state, scope)) return false;
    const drafted = draftEntry(state, { kind: 'frozen', scope, why }, this.clock.nowMs());
    if (drafted.kind === 'refused') throw refusal(drafted.code, drafted.facts);
    const { body } = drafted.value;
    const signature = bytesToHex(key.sign(entryBytes(body)));
    const answer = await this.governance.append({ body, signatures: [{ credentialId: keyId, signature }] });
    if (answer.kind === 'accepted') return true;
    if (OVERTAKEN.includes(answer.code)) return false;
    throw refusal(answer.code, answer.facts);
  }
}

function refusal(refusalCode: string, facts: Fault['facts']): Fault {
  return new Fault<OwnFreezeFaultCode>('freeze-refused', 'the freeze was not taken', {
    facts: { ...facts, refusal: refusalCode },
  });
}

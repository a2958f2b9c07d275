// Checkpoints of the audit log: the signer vouches for a log only with proof that it begins with the one that it vouched for
// last. It sees no entry and judges none, so a checkpoint says that nothing was changed, not that it is true. The text that
// is signed is made here from origin, size and root; nothing that a caller wrote reaches the key.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { signCheckpoint } from '../core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../core/audit/merkle.js';
import { verifyConsistency } from '../core/audit/verify-proof.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import type { AuditLog } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import type { CheckpointResult, Growth, LogHead } from '../signer-protocol/messages.js';
import { requireOwnKey, tokenOf } from './attesting.js';
import type { VouchedHead } from './journal.js';
import { CHECKPOINT_EVERY_MS } from './ledger.js';
import type { SignerParts } from './reports.js';
import { type SelfCheckFaultCode, selfCheckText, type Token } from './self-check.js';

export type CheckpointRefusalCode =
  /** No entry of governance has named the log and its key yet. */
  | 'audit-log-not-set'
  /** The log is shorter than the one that was signed last. */
  | 'checkpoint-smaller'
  /** The proof begins with another log than the one that was signed last. */
  | 'checkpoint-from-other'
  /** The log does not begin with the one that was signed last, or the proof does not show it. */
  | 'checkpoint-not-consistent'
  /**
   * The one that was signed last is of a log that governance, as far as it is known here, does not know: it was lost, and
   * what was signed of the log that it names now may be lost with it.
   */
  | 'checkpoint-of-other-log'
  /** So many were signed of late that the journal would be filled with them. */
  | 'checkpoint-too-soon'
  /** The log's key is not in its token, is another one, could leave it, or does not sign. */
  | 'audit-key-unusable';

/** A key that was found unusable is looked at again after this long at the earliest. */
const LOOK_AGAIN_MS = 30_000;
/** So many may come faster than one in `CHECKPOINT_EVERY_MS`. */
const MOST_AT_ONCE = 16;

/** How the log's key was found. */
interface Sight {
  readonly publicKey: string;
  /** Code of what is wrong with it; undefined when nothing is. */
  readonly fault: string | undefined;
  /** Measured. It is not looked at again before. */
  readonly againAtMs: number;
}

export function originHashOf(origin: string): string {
  return bytesToHex(sha256(utf8ToBytes(origin)));
}

/** What governance says of audit logs, as far as it is known here. */
type State = Pick<GovernanceState, 'auditLog' | 'auditLogs'>;

interface Named {
  readonly auditLog: AuditLog;
  readonly auditLogs: readonly AuditLog[];
}

/**
 * Where the log that is named now stands as this signer has vouched for it; undefined where it begins. That of a log which
 * governance has closed since binds nothing; that of any other log might have come after the one that is named.
 */
function begun(
  newest: VouchedHead | undefined,
  { auditLog, auditLogs }: Named,
): Outcome<LogHead | undefined, 'checkpoint-of-other-log'> {
  if (!newest) return accepted(undefined);
  const hashes = auditLogs.map(({ origin }) => originHashOf(origin));
  const { size, root, originHash = hashes[0] ?? '' } = newest;
  if (originHash === originHashOf(auditLog.origin)) return accepted({ size, root });
  return hashes.includes(originHash)
    ? accepted(undefined)
    : refused('checkpoint-of-other-log', { originHash });
}

/**
 * Up to where the journal has to be covered before a checkpoint of this log may be signed; the journal says so now if it may.
 * Hostile input. What was signed last is accepted again, whatever the proof and however often. Throws what keeps the token's
 * record from following, if that is known: the journal says nothing more then.
 */
function vouchFor(
  { store, clock, anchor }: Pick<SignerParts, 'store' | 'clock' | 'anchor'>,
  named: Named,
  { from, size, root, path }: Growth,
): Outcome<number, CheckpointRefusalCode> {
  const begin = begun(store.checkpoint(), named);
  if (begin.kind === 'refused') return begin;
  const newest = begin.value;
  if (newest?.size === size && newest.root === root) return accepted(store.head().sequence);
  const signed = newest?.size ?? 0;
  const signedRoot = newest?.root ?? bytesToHex(EMPTY_ROOT);
  if (size < signed) return refused('checkpoint-smaller', { size, signed, signedRoot });
  if (from !== signed) return refused('checkpoint-from-other', { from, signed, signedRoot });
  const proof = { from, size, path: path.map(hexToBytes) };
  const grown = verifyConsistency(proof, hexToBytes(signedRoot), hexToBytes(root));
  if (grown.kind === 'refused')
    return refused('checkpoint-not-consistent', { ...grown.facts, proof: grown.code, signed, signedRoot });
  anchor.requireOwn();
  const at = clock.now();
  const waitMs = store.ledger.checkpointsUntilMs() - at.measuredMs - (MOST_AT_ONCE - 1) * CHECKPOINT_EVERY_MS;
  if (waitMs > 0) return refused('checkpoint-too-soon', { waitMs, signed, signedRoot });
  return accepted(
    store.append({ kind: 'checkpointed', at, size, root, originHash: originHashOf(named.auditLog.origin) })
      .sequence,
  );
}

/** Throws `audit-note-signer-wrong`, `token-unknown`, and the token's faults. */
function signHead(
  { size, root }: LogHead,
  { origin, key }: AuditLog,
  tokens: ReadonlyMap<string, Token>,
  verifier: SignatureVerifier,
): Promise<Uint8Array> {
  const { signer } = tokenOf(key, tokens);
  return signCheckpoint(
    { size, root: hexToBytes(root) },
    { name: origin, publicKey: hexToBytes(key.publicKey) },
    (message) => signer.signMessage({ label: key.label }, message),
    verifier,
  );
}

/** Signs checkpoints, and knows whether it can. Without the log's key a signer does everything else. */
export class Checkpoints {
  /** Of the key that was looked at last. */
  private sight: Sight | undefined;
  /** Under way, so that all who ask meanwhile share it. */
  private looking: Promise<void> | undefined;

  /** `state` is asked anew after each wait: governance goes on meanwhile. */
  constructor(
    private readonly parts: SignerParts,
    private readonly state: () => State,
  ) {}

  /** Code of what is wrong with the key of the log that is named now, as it was found last; null for nothing. */
  keyFault(): string | null {
    const { auditLog } = this.state();
    return (auditLog && this.sightOf(auditLog)?.fault) ?? null;
  }

  /** What was signed last, or begun, of the log that is named now; null for nothing. */
  newest(): LogHead | null {
    const { auditLog, auditLogs } = this.state();
    if (!auditLog) return null;
    const begin = begun(this.parts.store.checkpoint(), { auditLog, auditLogs });
    return begin.kind === 'refused' ? null : (begin.value ?? null);
  }

  /** Looks whether the key of the log that is named now can be used. A key that cannot is no fault. */
  look(): Promise<void> {
    const { auditLog } = this.state();
    if (!auditLog) return Promise.resolve();
    this.looking ??= this.lookAt(auditLog).finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /**
   * The signed checkpoint of a log that has only grown, or why there is none. Hostile input. The token is not asked before
   * its record covers what is signed: no crash and no restore lets a signer forget it.
   */
  async sign(growth: Growth): Promise<Outcome<CheckpointResult, CheckpointRefusalCode>> {
    const named = await this.ready();
    if (named.kind === 'refused') return named;
    const { auditLog } = named.value;
    const vouched = vouchFor(this.parts, named.value, growth);
    if (vouched.kind === 'refused') return vouched;
    const { anchor, tokens, verifier } = this.parts;
    await anchor.cover(vouched.value);
    try {
      const note = await signHead(growth, auditLog, tokens, verifier);
      return accepted({ note: Buffer.from(note).toString('base64'), size: growth.size });
    } catch (error) {
      // Whether it is the key is for whoever asks next to look at, before the journal has an entry for it.
      if (error instanceof Fault) this.seen(auditLog, error.code, 0);
      throw error;
    }
  }

  /** A log whose key is in order just now. */
  private async ready(): Promise<Outcome<Named, CheckpointRefusalCode>> {
    for (;;) {
      const { auditLog, auditLogs } = this.state();
      if (!auditLog) return refused('audit-log-not-set');
      const sight = this.sightOf(auditLog);
      if (sight) {
        if (sight.fault === undefined) return accepted({ auditLog, auditLogs });
        const waitMs = sight.againAtMs - this.parts.clock.now().measuredMs;
        if (waitMs > 0) return refused('audit-key-unusable', { fault: sight.fault, waitMs });
      }
      await this.look();
    }
  }

  private sightOf({ key }: AuditLog): Sight | undefined {
    return this.sight?.publicKey === key.publicKey ? this.sight : undefined;
  }

  private seen({ key }: AuditLog, fault: string | undefined, againAtMs: number): void {
    this.sight = { publicKey: key.publicKey, fault, againAtMs };
  }

  private async lookAt(auditLog: AuditLog): Promise<void> {
    const { tokens, verifier, clock } = this.parts;
    const fault = await checkAuditKey(auditLog.key, tokens, verifier).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof Fault) return error.code;
        throw error;
      },
    );
    this.seen(auditLog, fault, clock.now().measuredMs + LOOK_AGAIN_MS);
  }
}

/** Is the log's key in its token, born there, unable to leave, the registered one, and does it sign? Throws a SelfCheckFaultCode. */
export async function checkAuditKey(
  key: AuditLog['key'],
  tokens: ReadonlyMap<string, Token>,
  verifier: SignatureVerifier,
): Promise<void> {
  await requireOwnKey(key, 'ed25519', tokens);
  const text = selfCheckText();
  const signature = await tokenOf(key, tokens).signer.signMessage({ label: key.label }, text);
  if (verifier.ed25519(hexToBytes(key.publicKey), text, signature)) return;
  throw new Fault<SelfCheckFaultCode>(
    'key-does-not-sign',
    'the key of the audit log signs what does not verify',
    { facts: { label: key.label } },
  );
}

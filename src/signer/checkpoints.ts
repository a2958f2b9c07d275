// Checkpoints of the audit log: the signer vouches for a log only with proof that it begins with the one that it vouched for
// last. It sees no entry and judges none, so a checkpoint says that nothing was changed, not that it is true. The text that
// is signed is made here from origin, size and root; nothing that a caller wrote reaches the key.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { signCheckpoint } from '../core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../core/audit/merkle.js';
import { verifyConsistency } from '../core/audit/verify-proof.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import type { AuditLog } from '../core/governance/entry.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import type { CheckpointResult, Growth, LogHead } from '../signer-protocol/messages.js';
import { requireOwnKey, tokenOf } from './attesting.js';
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
  | 'checkpoint-not-consistent';

/**
 * Up to where the journal has to be covered before a checkpoint of this log may be signed; the journal says so now if it may.
 * Hostile input. What was signed last is accepted again, whatever the proof.
 */
function vouchFor(
  { store, clock }: Pick<SignerParts, 'store' | 'clock'>,
  { from, size, root, path }: Growth,
): Outcome<number, CheckpointRefusalCode> {
  const newest = store.checkpoint();
  if (newest?.size === size && newest.root === root) return accepted(store.head().sequence);
  const signed = newest?.size ?? 0;
  const signedRoot = newest?.root ?? bytesToHex(EMPTY_ROOT);
  if (size < signed) return refused('checkpoint-smaller', { size, signed, signedRoot });
  if (from !== signed) return refused('checkpoint-from-other', { from, signed, signedRoot });
  const proof = { from, size, path: path.map(hexToBytes) };
  const grown = verifyConsistency(proof, hexToBytes(signedRoot), hexToBytes(root));
  if (grown.kind === 'refused')
    return refused('checkpoint-not-consistent', { ...grown.facts, proof: grown.code, signed, signedRoot });
  return accepted(store.append({ kind: 'checkpointed', at: clock.now(), size, root }).sequence);
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

/**
 * The signed checkpoint of a log that has only grown, or why there is none. Hostile input. The token is not asked before
 * its record covers what is signed: no crash and no restore lets a signer forget it.
 */
export async function checkpointOf(
  parts: SignerParts,
  auditLog: AuditLog | undefined,
  growth: Growth,
): Promise<Outcome<CheckpointResult, CheckpointRefusalCode>> {
  if (!auditLog) return refused('audit-log-not-set');
  const vouched = vouchFor(parts, growth);
  if (vouched.kind === 'refused') return vouched;
  await parts.anchor.cover(vouched.value);
  const note = await signHead(growth, auditLog, parts.tokens, parts.verifier);
  return accepted({ note: Buffer.from(note).toString('base64'), size: growth.size });
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

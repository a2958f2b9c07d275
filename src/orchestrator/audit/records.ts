// From the records that are written with what happens to what the log says of them. A record is what a table holds that is
// only ever added to; it goes into the log as a salted hash of all that it says, so that nothing of it can be changed later
// unseen. What is in the database may be anybody's doing: a record that is gone or makes no sense is logged as such, since a
// log that stops at it would serve whoever did that.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { AuditEntry, AuditKind, SealedValue } from '../../core/audit/entry.js';
import { governanceEntry } from '../../core/governance/entry.js';
import { identifier, sha256Hex } from '../../core/statements/fields.js';
import { padded, rows, sqlInteger } from '../database/sql.js';
import { acts } from '../governance/proposal.entity.js';
import type { AuditSource } from './audit.entity.js';

export interface RecordKey {
  readonly source: AuditSource;
  readonly keyA: string;
  readonly keyB: string;
  readonly keyC: string;
}

/** What an entry says, before it has a place. */
export interface Draft {
  readonly kind: AuditKind;
  readonly what: string;
  readonly atMs: number;
  readonly subjects: AuditEntry['subjects'];
  /** Beside the record itself. */
  readonly sealed: readonly { readonly name: SealedValue['name']; readonly value: string }[];
  /** All that the record says, in one spelling. */
  readonly record: string;
}

const KIND_OF: Readonly<Record<AuditSource, AuditKind>> = {
  transition: 'transition',
  approval: 'approval',
  governance: 'governance',
  call: 'refusal',
  proposal: 'governance',
  signature: 'decision',
  cancel: 'transition',
  burial: 'approval',
  head: 'approval',
  certificate: 'decision',
};

export const RECORD_MISSING = 'record-missing';
export const RECORD_MALFORMED = 'record-malformed';

/** What is said of a record that is not there, or that makes no sense. */
export function withoutRecord(key: RecordKey, what: string, record = ''): Draft {
  return { kind: KIND_OF[key.source], what, atMs: 0, subjects: [], sealed: [], record };
}

type Subjects = AuditEntry['subjects'];

/** Who moved or called, as books name them: a key is named, a person is sealed, a program of ours is in neither. */
function actor(name: string | null): Pick<Draft, 'subjects' | 'sealed'> {
  const [kind, id] = /^(request-key|person):(.+)$/.exec(name ?? '')?.slice(1) ?? [];
  if (id === undefined) return { subjects: [], sealed: [] };
  return kind === 'person'
    ? { subjects: [], sealed: [{ name: 'person', value: id }] }
    : { subjects: [{ kind: 'key', id }], sealed: [] };
}

const transition = z.object({
  transfer_id: z.string(),
  version: sqlInteger,
  from_state: z.string().nullable(),
  to_state: z.string(),
  reason: z.string(),
  facts: z.string(),
  at_ms: sqlInteger,
  moved_by: z.string(),
  decision: z.string().nullable(),
  wallet_id: z.string(),
});

/** States in which policies have spoken, with or without a decision beside them, and those in which somebody was told no. */
const DECISIONS: readonly string[] = ['awaiting-approvals', 'approved'];
const REFUSALS: readonly string[] = ['refused', 'expired'];

function policyOf(text: string | null): Subjects {
  const parsed = z.object({ policyHash: z.string() }).safeParse(JSON.parse(text ?? 'null'));
  return parsed.success ? [{ kind: 'policy', id: parsed.data.policyHash }] : [];
}

/** The signer's no to a plan, whose transfers go back to be planned anew: its code. */
function signerRefusalOf({ to_state, reason, facts }: z.infer<typeof transition>): string | undefined {
  const by = z.object({ refusedBy: z.literal('signer'), code: z.string().optional() });
  const parsed = by.safeParse(JSON.parse(facts));
  return parsed.success && to_state === 'approved' ? (parsed.data.code ?? reason) : undefined;
}

function ofTransition(row: z.infer<typeof transition>): Draft {
  const by = actor(row.moved_by);
  const no = REFUSALS.includes(row.to_state) ? row.reason : signerRefusalOf(row);
  const isDecision = row.decision !== null || DECISIONS.includes(row.to_state);
  return {
    kind: no !== undefined ? 'refusal' : isDecision ? 'decision' : 'transition',
    what: no ?? row.to_state,
    atMs: row.at_ms,
    subjects: [
      { kind: 'transfer', id: row.transfer_id },
      { kind: 'wallet', id: row.wallet_id },
      ...(row.decision === null ? policyOf(row.facts) : policyOf(row.decision)),
      ...by.subjects,
    ],
    sealed: by.sealed,
    record: JSON.stringify([
      row.transfer_id,
      row.version,
      row.from_state,
      row.to_state,
      row.reason,
      row.facts,
      row.at_ms,
      row.moved_by,
      ...(row.decision === null ? [] : [row.decision]),
    ]),
  };
}

const approval = z.object({
  transfer_id: z.string(),
  statement_digest: z.string(),
  person_id: z.string(),
  credential_id: z.string(),
  verdict: z.string(),
  signature: z.string(),
  follows: z.string().nullable(),
  received_at_ms: sqlInteger,
  wallet_id: z.string(),
});

function ofApproval(row: z.infer<typeof approval>): Draft {
  return {
    kind: 'approval',
    what: row.verdict,
    atMs: row.received_at_ms,
    subjects: [
      { kind: 'transfer', id: row.transfer_id },
      { kind: 'wallet', id: row.wallet_id },
      { kind: 'credential', id: row.credential_id },
    ],
    sealed: [{ name: 'person', value: row.person_id }],
    record: JSON.stringify([
      row.transfer_id,
      row.statement_digest,
      row.person_id,
      row.credential_id,
      row.verdict,
      row.signature,
      row.received_at_ms,
      ...(row.follows === null ? [] : [row.follows]),
    ]),
  };
}

const governance = z.object({ sequence: sqlInteger, entry: z.string(), mirrored_at_ms: sqlInteger });

/** As many subjects as an entry of the log may have, less the one that names it. */
const MOST_SIGNERS = 15;

function ofGovernance(row: z.infer<typeof governance>): Draft {
  const { body, signatures } = governanceEntry.parse(JSON.parse(row.entry));
  return {
    kind: 'governance',
    what: body.change.kind,
    atMs: row.mirrored_at_ms,
    subjects: [
      { kind: 'governance-entry', id: `${row.sequence}` },
      ...signatures.slice(0, MOST_SIGNERS).map(({ credentialId }) => ({
        kind: 'credential' as const,
        id: credentialId,
      })),
    ],
    sealed: [],
    record: JSON.stringify([row.sequence, row.entry, row.mirrored_at_ms]),
  };
}

const proposal = z.object({
  proposal_id: z.string(),
  act: z.enum(acts),
  person_id: z.string(),
  credential_id: z.string().nullable(),
  signature: z.string().nullable(),
  at_ms: sqlInteger,
});

/** The body of a proposal is in the record by its hash, which is the proposal's id. */
function ofProposal(row: z.infer<typeof proposal>): Draft {
  const { credential_id: credentialId } = row;
  return {
    kind: 'governance',
    what: `proposal-${row.act}`,
    atMs: row.at_ms,
    subjects: [
      { kind: 'proposal', id: row.proposal_id },
      ...(credentialId === null ? [] : [{ kind: 'credential' as const, id: credentialId }]),
    ],
    sealed: [{ name: 'person', value: row.person_id }],
    record: JSON.stringify([row.proposal_id, row.act, row.person_id, credentialId, row.signature, row.at_ms]),
  };
}

const callKinds = z.enum(['refusal', 'login', 'admin-read', 'transition', 'approval', 'governance']);
export type CallKind = z.infer<typeof callKinds>;

/** As many subjects as an entry of the log may have, less the one that names the caller's key. */
export const MOST_ABOUT = 15;
const about = z
  .string()
  .transform((text) => text.split(' ').map((one) => /^([a-z-]+):(.+)$/.exec(one)?.slice(1) ?? []))
  .pipe(
    z
      .array(z.tuple([z.enum(['transfer', 'wallet', 'proposal', 'governance-entry']), identifier]))
      .max(MOST_ABOUT),
  );

const call = z.object({
  call_id: z.string(),
  kind: callKinds,
  what: z.string(),
  operation: z.string(),
  principal: z.string().nullable(),
  at_ms: sqlInteger,
  left_out: sqlInteger.nullable(),
  about: z.string().nullable(),
  body_sha256: sha256Hex.nullable(),
});

function ofCall(row: z.infer<typeof call>): Draft {
  const by = actor(row.principal);
  return {
    kind: row.kind,
    what: row.what,
    atMs: row.at_ms,
    subjects: [
      ...(row.about === null ? [] : about.parse(row.about)).map(([kind, id]) => ({ kind, id })),
      ...by.subjects,
    ],
    sealed: by.sealed,
    record: JSON.stringify([
      row.call_id,
      row.kind,
      row.what,
      row.operation,
      row.principal,
      row.at_ms,
      ...(row.left_out === null ? [] : [row.left_out]),
      ...(row.about === null ? [] : [row.about]),
      ...(row.body_sha256 === null ? [] : [row.body_sha256]),
    ]),
  };
}

const signature = z.object({
  transaction_key: z.string(),
  transaction_id: z.string(),
  wallet_id: z.string(),
  transfers: z.string(),
  policy_hash: z.string(),
  decisions: z.string(),
  journal_sequence: sqlInteger,
  journal_hash: z.string(),
  certificate_sha256: z.string(),
  recorded_at_ms: sqlInteger,
});

/** As many transfers as an entry names; of the others each has its own transition. */
const MOST_TRANSFERS = 12;

function transferSubjects(transferIds: readonly string[]): Subjects {
  return transferIds.slice(0, MOST_TRANSFERS).map((id) => ({ kind: 'transfer', id }));
}

function ofSignature(row: z.infer<typeof signature>): Draft {
  const transferIds = z.array(z.string()).parse(JSON.parse(row.transfers));
  return {
    kind: 'decision',
    what: 'signature',
    atMs: row.recorded_at_ms,
    subjects: [
      { kind: 'wallet', id: row.wallet_id },
      { kind: 'policy', id: row.policy_hash },
      ...transferSubjects(transferIds),
    ],
    sealed: [],
    record: JSON.stringify([
      row.transaction_key,
      row.transaction_id,
      row.wallet_id,
      row.transfers,
      row.policy_hash,
      row.decisions,
      row.journal_sequence,
      row.journal_hash,
      row.certificate_sha256,
      row.recorded_at_ms,
    ]),
  };
}

const cancel = z.object({
  transaction_key: z.string(),
  transfer_id: z.string(),
  asked_by: z.string(),
  asked_at_ms: sqlInteger,
  wallet_id: z.string(),
});

function ofCancel(row: z.infer<typeof cancel>): Draft {
  const by = actor(row.asked_by);
  return {
    kind: 'transition',
    what: 'cancel-asked',
    atMs: row.asked_at_ms,
    subjects: [
      { kind: 'transfer', id: row.transfer_id },
      { kind: 'wallet', id: row.wallet_id },
      ...by.subjects,
    ],
    sealed: by.sealed,
    record: JSON.stringify([row.transaction_key, row.transfer_id, row.asked_by, row.asked_at_ms]),
  };
}

const buried = z.object({
  journal_sequence: sqlInteger,
  burial: z.string(),
  handed_in_by: z.string(),
  accepted_at_ms: sqlInteger,
});

/** What an entry says of a burial, whatever else it is: the signer has judged it. */
const buriedBy = z.object({
  statement: z.object({ transferIds: z.array(z.string()) }),
  signatures: z.array(z.object({ credentialId: z.string() })),
});
/** Beside its transfers. */
const MOST_BURYING = 3;

/** A quorum's word: approved by those who signed it, whoever handed it in. */
function ofBurial(row: z.infer<typeof buried>): Draft {
  const { statement, signatures } = buriedBy.parse(JSON.parse(row.burial));
  const by = actor(row.handed_in_by);
  return {
    kind: 'approval',
    what: 'buried',
    atMs: row.accepted_at_ms,
    subjects: [
      ...transferSubjects(statement.transferIds),
      ...signatures.slice(0, MOST_BURYING).map(({ credentialId }) => ({
        kind: 'credential' as const,
        id: credentialId,
      })),
      ...by.subjects,
    ],
    sealed: by.sealed,
    record: JSON.stringify([row.journal_sequence, row.burial, row.handed_in_by, row.accepted_at_ms]),
  };
}

const head = z.object({
  digest: z.string(),
  signed: z.string(),
  created_at_ms: sqlInteger,
  received_at_ms: sqlInteger,
});
const vouchedHead = z.object({ statement: z.object({ sequence: z.int() }), credentialId: z.string() });

/** A governor's word about the newest entry of governance, under which something may be signed that nobody approves. */
function ofHead(row: z.infer<typeof head>): Draft {
  const { statement, credentialId } = vouchedHead.parse(JSON.parse(row.signed));
  return {
    kind: 'approval',
    what: 'head-vouched',
    atMs: row.received_at_ms,
    subjects: [
      { kind: 'governance-entry', id: `${statement.sequence}` },
      { kind: 'credential', id: credentialId },
    ],
    sealed: [],
    record: JSON.stringify([row.digest, row.signed, row.created_at_ms, row.received_at_ms]),
  };
}

const kept = z.object({ ordinal: sqlInteger, outcome: z.string(), certificate: z.string() });
const attestedAt = z.object({ attestation: z.object({ statement: z.object({ attestedAtMs: z.int() }) }) });

/** A certificate as the signer attests it, by its hash: it is long, and there are other records of what it says. */
function ofCertificate({ ordinal, outcome, certificate }: z.infer<typeof kept>): Draft {
  return {
    kind: 'decision',
    what: 'certificate',
    atMs: attestedAt.parse(JSON.parse(certificate)).attestation.statement.attestedAtMs,
    subjects: [],
    sealed: [],
    record: JSON.stringify([ordinal, outcome, bytesToHex(sha256(utf8ToBytes(certificate)))]),
  };
}

/** Where the records of a source are, and how one is read. */
interface Reading {
  readonly select: string;
  readonly draft: (row: unknown) => Draft;
}

/** `k` has place and the three parts of keys. */
const READINGS: Readonly<Record<AuditSource, Reading>> = {
  transition: {
    select: `SELECT k.place, r.*, t.wallet_id FROM k JOIN transitions r ON r.transfer_id = k.key_a AND CAST(r.version AS TEXT) = k.key_b
      JOIN transfers t ON t.transfer_id = r.transfer_id`,
    draft: (row) => ofTransition(transition.parse(row)),
  },
  approval: {
    select: `SELECT k.place, r.*, t.wallet_id FROM k JOIN approvals r
      ON r.transfer_id = k.key_a AND r.statement_digest = k.key_b AND r.person_id = k.key_c
      JOIN transfers t ON t.transfer_id = r.transfer_id`,
    draft: (row) => ofApproval(approval.parse(row)),
  },
  governance: {
    select: `SELECT k.place, r.* FROM k JOIN governance_entries r ON CAST(r.sequence AS TEXT) = k.key_a`,
    draft: (row) => ofGovernance(governance.parse(row)),
  },
  proposal: {
    select: `SELECT k.place, r.* FROM k JOIN governance_acts r ON r.proposal_id = k.key_a AND r.act = k.key_b AND r.person_id = k.key_c`,
    draft: (row) => ofProposal(proposal.parse(row)),
  },
  call: {
    select: `SELECT k.place, r.* FROM k JOIN audit_calls r ON r.call_id = k.key_a AND r.kind = k.key_b`,
    draft: (row) => ofCall(call.parse(row)),
  },
  signature: {
    select: `SELECT k.place, r.* FROM k JOIN signatures r ON r.transaction_key = k.key_a`,
    draft: (row) => ofSignature(signature.parse(row)),
  },
  cancel: {
    select: `SELECT k.place, r.*, t.wallet_id FROM k JOIN transaction_cancels r
      ON r.transaction_key = k.key_a AND r.transfer_id = k.key_b
      JOIN transfers t ON t.transfer_id = r.transfer_id`,
    draft: (row) => ofCancel(cancel.parse(row)),
  },
  burial: {
    select: `SELECT k.place, r.* FROM k JOIN burials r ON CAST(r.journal_sequence AS TEXT) = k.key_a`,
    draft: (row) => ofBurial(buried.parse(row)),
  },
  head: {
    select: `SELECT k.place, r.* FROM k JOIN governance_heads r ON r.digest = k.key_a`,
    draft: (row) => ofHead(head.parse(row)),
  },
  certificate: {
    select: `SELECT k.place, r.* FROM k JOIN certificates r ON CAST(r.ordinal AS TEXT) = k.key_a`,
    draft: (row) => ofCertificate(kept.parse(row)),
  },
};

const recordRow = z.looseObject({ place: sqlInteger });

export interface PlacedKey extends RecordKey {
  /** In line, or in the log. */
  readonly place: number;
}

export interface Placed extends PlacedKey {
  readonly draft: Draft;
}

/** What the log is to say of the records of these keys, in their order. */
export async function draftsOf(db: EntityManager, keys: readonly PlacedKey[]): Promise<Placed[]> {
  const drafts = new Map<number, Draft>();
  for (const [source, ofSource] of Map.groupBy(keys, (key) => key.source)) {
    const { select, draft } = READINGS[source];
    const given = padded(ofSource);
    const records = await rows(
      db,
      recordRow,
      `WITH k (place, key_a, key_b, key_c) AS (VALUES ${given.map(() => '(?, ?, ?, ?)').join(', ')}) ${select}`,
      given.flatMap(({ place, keyA, keyB, keyC }) => [`${place}`, keyA, keyB, keyC]),
    );
    for (const { place, ...record } of records) drafts.set(place, sound(record, draft, source));
  }
  return keys.map((key) => ({ ...key, draft: drafts.get(key.place) ?? withoutRecord(key, RECORD_MISSING) }));
}

function sound(record: unknown, draft: (row: unknown) => Draft, source: AuditSource): Draft {
  try {
    return draft(record);
  } catch {
    // Not of its form: all of it is sealed as it was found.
    return withoutRecord({ source, keyA: '', keyB: '', keyC: '' }, RECORD_MALFORMED, JSON.stringify(record));
  }
}

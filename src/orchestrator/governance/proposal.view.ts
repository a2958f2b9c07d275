// Where a proposal stands, from its rows and the governance log as it is known. Pure.

import { type CredentialClass, countsLeft } from '../../core/governance/credential-class.js';
import type { GovernanceEntry } from '../../core/governance/entry.js';
import { verifyEntrySigners } from '../../core/governance/quorum.js';
import { classesHeld, type GovernanceState } from '../../core/governance/state.js';
import { wantedFor } from '../../core/governance/wanted.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { ProposalState, ProposalSummary, ProposalView } from './proposal.dto.js';
import type { ActRow, ProposalRow } from './proposal.entity.js';

/** A proposal with all that was done with it, oldest first. */
export interface Proposal {
  readonly row: ProposalRow;
  readonly acts: readonly ActRow[];
}

export interface Trouble {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export function signaturesOf({ acts }: Proposal): ProposalView['signatures'] {
  return acts.flatMap(({ act, personId, credentialId, signature, atMs }) =>
    act === 'signed' && credentialId !== null && signature !== null
      ? [{ personId, credentialId, signature, atMs }]
      : [],
  );
}

export function entryOf(proposal: Proposal): GovernanceEntry {
  const signatures = signaturesOf(proposal).map(({ credentialId, signature }) => ({
    credentialId,
    signature,
  }));
  return { body: proposal.row.body, signatures };
}

function cancelOf({ acts }: Proposal): ActRow | undefined {
  return acts.find(({ act }) => act === 'cancelled');
}

/** `state` is that of the newest entry that is known. */
export function standing(
  proposal: Proposal,
  state: GovernanceState,
  verifier: SignatureVerifier,
): ProposalState {
  const { row } = proposal;
  if (state.history[row.sequence] === row.proposalId) return 'accepted';
  if (cancelOf(proposal)) return 'cancelled';
  if (row.body.previous !== state.head) return 'superseded';
  const signed = verifyEntrySigners(entryOf(proposal), state, verifier);
  return signed.kind === 'accepted' ? 'complete' : 'open';
}

export function summaryOf(
  proposal: Proposal,
  state: GovernanceState,
  verifier: SignatureVerifier,
): ProposalSummary {
  const { row } = proposal;
  return {
    proposalId: row.proposalId,
    state: standing(proposal, state, verifier),
    sequence: row.sequence,
    kind: row.body.change.kind,
    proposedBy: row.proposedBy,
    proposedAtMs: row.proposedAtMs,
    signedBy: signaturesOf(proposal).map(({ personId }) => personId),
  };
}

function wantedOf(proposal: Proposal, state: GovernanceState): ProposalView['wanted'] {
  const signatures = signaturesOf(proposal);
  const signers = signatures.map(({ personId }) => personId);
  const by = classesHeld(
    state,
    signatures.map(({ credentialId }) => credentialId),
  );
  return wantedFor(proposal.row.body.change, state).map(({ group, threshold, with: asked, candidates }) => {
    const signed = candidates.filter((one) => signers.includes(one));
    const left = (one: CredentialClass, least: number) =>
      least - signed.filter((person) => by.get(person)?.has(one)).length;
    return {
      group,
      threshold,
      with: asked,
      missing: Math.max(0, threshold - signed.length),
      missingWith: countsLeft(asked, left) ?? {},
      canSign: candidates.filter((one) => !signers.includes(one)),
    };
  });
}

export function viewOf(
  proposal: Proposal,
  state: GovernanceState,
  verifier: SignatureVerifier,
  trouble: Trouble | undefined,
): ProposalView {
  const { row } = proposal;
  const summary = summaryOf(proposal, state, verifier);
  return {
    ...summary,
    body: row.body,
    effect: row.said.map(({ details, ...said }) => ({ ...said, details: [...details] })),
    redraftOf: row.redraftOf,
    signatures: signaturesOf(proposal),
    wanted: summary.state === 'open' ? wantedOf(proposal, state) : [],
    cancelledAtMs: cancelOf(proposal)?.atMs ?? null,
    trouble:
      summary.state === 'complete' && trouble ? { code: trouble.code, facts: { ...trouble.facts } } : null,
  };
}

// The closed list of codes of proposals: why somebody is told no.

import type { GovernanceRefusalCode } from '../../core/governance/state.js';

export type OwnProposalRefusalCode =
  | 'proposal-unknown'
  | 'proposal-not-open'
  | 'proposal-not-over'
  | 'proposal-of-another-person'
  | 'proposals-too-many'
  | 'governance-signer-not-asked';

export type ProposalRefusalCode = GovernanceRefusalCode | OwnProposalRefusalCode;

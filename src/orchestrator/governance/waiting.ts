// Entries of governance that wait, as they are shown: from the mirrored log, and with the time that the signer says is left.

import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import { wantedFor } from '../../core/governance/wanted.js';
import { wordsOfWaiting } from '../../core/governance/words.js';
import type { StatusResult } from '../../signer-protocol/messages.js';
import type { GovernanceService } from './governance.service.js';
import type { WaitingEntry } from './proposal.dto.js';

export class Waiting {
  constructor(
    private readonly governance: Pick<GovernanceService, 'state'>,
    private readonly signer: { status(): Promise<Pick<StatusResult, 'pending'>> },
    private readonly clock: Clock,
  ) {}

  /** Oldest first. A signer that does not answer is shown as that, not thrown. */
  async list(): Promise<WaitingEntry[]> {
    const state = this.governance.state();
    if (state.pending.size === 0) return [];
    const reports = await this.reports();
    const nowMs = this.clock.nowMs();
    const { group, threshold } = state.timelock.veto;
    return [...state.pending.values()].map((entry) => {
      const { hash, sequence, change, delayMs, signers } = entry;
      const leftMs = reports?.find((report) => report.hash === hash)?.leftMs ?? null;
      const effect = wordsOfWaiting(state, entry);
      return {
        entry: hash,
        sequence,
        kind: change.kind,
        effect: effect?.map(({ details, ...said }) => ({ ...said, details: [...details] })) ?? null,
        delayMs,
        leftMs,
        usableFromMs: leftMs === null ? null : nowMs + leftMs,
        signedBy: [...signers.keys()],
        // Beside them, SAFU's own quorum signs what touches it: that is shown by the proposal which activates it.
        canActivate: [...(wantedFor({ kind: 'activated', entry: hash }, state)[0]?.candidates ?? [])],
        canVeto: { group, threshold },
      };
    });
  }

  private async reports(): Promise<StatusResult['pending'] | undefined> {
    try {
      return (await this.signer.status()).pending;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return undefined;
    }
  }
}

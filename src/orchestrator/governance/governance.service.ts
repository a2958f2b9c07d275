// The governance log as the signer has it, replayed here: who may do what. It is a mirror: the orchestrator can neither
// make an entry nor have one forgotten, and it believes only what replays from the genesis that its configuration pins.

import { Fault, type Outcome } from '../../core/fault.js';
import type { GovernanceEntry } from '../../core/governance/entry.js';
import type { GovernanceState } from '../../core/governance/state.js';

export type GovernanceFaultCode =
  | 'governance-unavailable'
  | 'governance-other-genesis'
  | 'governance-diverged'
  | 'governance-mirror-damaged';

export class GovernanceService {
  /** The state after the newest entry known here. Throws `governance-unavailable` before the log was first read. */
  state(): GovernanceState {
    throw new Fault('not-built', 'not built yet');
  }

  /** At most 50 entries from a sequence. */
  async entries(_fromSequence: number): Promise<readonly GovernanceEntry[]> {
    throw new Fault('not-built', 'not built yet');
  }

  /** Hands a quorum-signed entry to the signer, which decides. Its refusals are passed on with its codes. */
  async append(_entry: GovernanceEntry): Promise<Outcome<GovernanceState>> {
    throw new Fault('not-built', 'not built yet');
  }
}

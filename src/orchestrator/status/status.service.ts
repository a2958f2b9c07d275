// How database, governance, signer and nodes are, asked now. It never throws: whatever does not answer is part of the
// answer.

import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import type { StatusResult } from '../../signer-protocol/messages.js';
import type { ChainDriver, NodeReport } from '../chains/chain-driver.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { run } from '../database/sql.js';
import { GovernanceService } from '../governance/governance.service.js';
import { Heads } from '../governance/heads.js';
import { Shutdown } from '../http/shutdown.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { CHAIN_DRIVERS, CLOCK } from '../tokens.js';
import { ORCHESTRATOR_VERSION } from '../version.js';
import type { StatusView } from './status.view.js';

const ASKED_FOR_MS = 5_000;

type Asked<T> = { readonly value: T } | { readonly fault: string };

@Injectable()
export class StatusService {
  constructor(
    private readonly database: Database,
    private readonly governance: GovernanceService,
    private readonly heads: Heads,
    private readonly signer: SignerClient,
    private readonly shutdown: Shutdown,
    @Inject(CHAIN_DRIVERS) private readonly drivers: readonly ChainDriver[],
    @Inject(CONFIGURATION) private readonly configuration: Configuration,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async ready(): Promise<{ readonly ready: true } | { readonly ready: false; readonly reason: string }> {
    if (this.shutdown.hasBegun) return { ready: false, reason: 'shutting-down' };
    const [database, governance] = await Promise.all([this.askDatabase(), this.askGovernance()]);
    if ('fault' in database) return { ready: false, reason: database.fault };
    if ('fault' in governance) return { ready: false, reason: governance.fault };
    return { ready: true };
  }

  async status(): Promise<StatusView> {
    const [database, governance, word, signer, nodes] = await Promise.all([
      this.askDatabase(),
      this.askGovernance(),
      asked(() => this.word()),
      asked(() => this.signer.status()),
      this.nodes(),
    ]);
    const state = 'value' in governance ? governance.value : undefined;
    return {
      version: ORCHESTRATOR_VERSION,
      nowMs: this.clock.nowMs(),
      deploymentId: this.configuration.deploymentId,
      database: { dialect: this.database.dialect, reachable: 'value' in database, ...faultOf(database) },
      governance: {
        known: state !== undefined,
        sequence: state?.sequence ?? null,
        head: state?.head ?? null,
        policyHash: state?.policyHash ?? null,
        frozen: [...(state?.frozen.values() ?? [])],
        word: 'value' in word ? word.value : null,
        ...faultOf(governance),
      },
      signer: this.signerView(signer, state?.head),
      tokens: 'value' in signer ? signer.value.tokens : [],
      nodes,
    };
  }

  private async word(): Promise<StatusView['governance']['word']> {
    const rules = this.governance.policies().policies.flatMap((policy) => policy.rules);
    const standing = await this.heads.standing();
    return {
      needed: rules.some(({ effect }) => effect.kind === 'allow'),
      credentialId: standing?.credentialId ?? null,
      untilMs: standing?.untilMs ?? null,
    };
  }

  private signerView(signer: Asked<StatusResult>, head: string | undefined): StatusView['signer'] {
    const report = 'value' in signer ? signer.value : undefined;
    return {
      reachable: report !== undefined,
      agrees: report?.deploymentId === this.configuration.deploymentId && report.governanceHead === head,
      version: report?.signerVersion ?? null,
      governanceSequence: report?.governanceSequence ?? null,
      journalSequence: report?.journalSequence ?? null,
      anchoredSequence: report?.anchoredSequence ?? null,
      checkpoint: report?.checkpoint ?? null,
      auditKeyFault: report?.auditKeyFault ?? null,
      pending: report?.pending ?? null,
      clockAheadMs: report === undefined ? null : report.nowMs - this.clock.nowMs(),
      ...faultOf(signer),
    };
  }

  private askDatabase(): Promise<Asked<void>> {
    return asked(() => this.database.read((db) => run(db, 'SELECT 1')));
  }

  private askGovernance() {
    return asked(async () => this.governance.state());
  }

  private async nodes(): Promise<NodeReport[]> {
    const reports = await Promise.all(
      this.drivers.map(async (driver) => {
        const report = await asked(async () => (await driver.nodes?.()) ?? []);
        if ('value' in report) return report.value;
        return [
          { chain: driver.family, node: driver.family, healthy: false, height: null, detail: report.fault },
        ];
      }),
    );
    return reports.flat();
  }
}

function faultOf(answer: Asked<unknown>): { fault?: string } {
  return 'fault' in answer ? { fault: answer.fault } : {};
}

async function asked<T>(question: () => Promise<T>): Promise<Asked<T>> {
  const { promise, resolve } = Promise.withResolvers<Asked<T>>();
  const timer = setTimeout(() => resolve({ fault: 'no-answer' }), ASKED_FOR_MS);
  try {
    return await Promise.race([question().then((value) => ({ value })), promise]);
  } catch (error) {
    return { fault: error instanceof Fault ? error.code : 'unexpected-fault' };
  } finally {
    clearTimeout(timer);
  }
}

// The orchestrator with its real services over real HTTP, in front of a real signer with a SoftHSM token, and clients for
// everybody who calls it. Chains are configured and their nodes are away: nothing here gets as far as a transaction.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { z } from 'zod';
import {
  type Backend,
  BITCOIN,
  Deployment,
  type DeploymentOptions,
  ETHEREUM,
  type Officer,
} from '../../devnet/deployment.js';
import { startPostgres } from '../../devnet/postgres.js';
import { appModule } from '../../src/orchestrator/app.module.js';
import { configuration as configurationSchema } from '../../src/orchestrator/config/settings.js';
import { problem } from '../../src/orchestrator/http/problem.js';
import { type Served, serve } from '../../src/orchestrator/http/serve.js';
import { Log } from '../../src/orchestrator/logging/log.js';
import { transferView } from '../../src/orchestrator/transfers/transfer.dto.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import { type Answer, ApiClient } from './api-client.js';

export type Dialect = 'SQLite' | 'PostgreSQL';
export const dialects: readonly Dialect[] = ['SQLite', 'PostgreSQL'];

/** A port on which nothing listens. */
const AWAY = 'http://127.0.0.1:9';

export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  problem.parse(answer.body);
}

export class ApiRig {
  readonly exchange: ApiClient;
  readonly desk: ApiClient;
  readonly alice: ApiClient;
  readonly bob: ApiClient;
  readonly carol: ApiClient;

  private constructor(
    readonly deployment: Deployment,
    readonly served: Served,
    readonly configuration: z.input<typeof configurationSchema>,
    readonly logs: () => string,
    private readonly cleanUp: () => Promise<void>,
  ) {
    this.exchange = this.client(deployment.exchange);
    this.desk = this.client(deployment.desk);
    this.alice = this.client(deployment.alice);
    this.bob = this.client(deployment.bob);
    this.carol = this.client(deployment.carol);
  }

  /** On a clock that stands still unless another is given. */
  static async start(
    dialect: Dialect,
    time?: DeploymentOptions['time'],
    timelock?: DeploymentOptions['timelock'],
    more: Partial<z.input<typeof configurationSchema>> = {},
  ): Promise<ApiRig> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-http-'));
    const postgres =
      dialect === 'PostgreSQL' ? await startPostgres({ logFile: join(folder, 'postgres.log') }) : undefined;
    const deployment = await Deployment.create({
      ...(time === undefined ? {} : { time }),
      ...(timelock === undefined ? {} : { timelock }),
    });
    await deployment.start();
    const { listen } = deployment.config();
    const settings: z.input<typeof configurationSchema> = {
      deploymentId: deployment.deploymentId,
      http: { port: 0 },
      database: { url: (await postgres?.createDatabase()) ?? `sqlite:${join(folder, 'orchestrator.db')}` },
      signer: { socket: listen.kind === 'unix' ? listen.path : '' },
      chains: {
        bitcoin: { [BITCOIN]: { nodes: [{ url: AWAY }], pollMs: 60_000 } },
        ethereum: { [ETHEREUM]: { providers: [{ name: 'away', url: AWAY }] } },
      },
      workers: { pollMs: 20 },
      audit: { addMs: 100, checkpointMs: 500 },
      ...more,
    };
    const configuration = configurationSchema.parse(settings);
    let logs = '';
    const write = (line: string) => {
      logs += line;
    };
    const log = Log.to({ level: 'info' }, { write });
    const clock = { nowMs: () => deployment.time.wall };
    const root = appModule(configuration, { clock, randomness: systemRandomness, log });
    const served = await serve(root, configuration, log);
    return new ApiRig(
      deployment,
      served,
      settings,
      () => logs,
      async () => {
        await postgres?.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    );
  }

  async stop(): Promise<void> {
    await this.served.stop();
    await this.deployment.destroy();
    await this.cleanUp();
  }

  get url(): string {
    return this.served.url;
  }

  /** A client of anybody, with a clock that may go wrong. */
  client(who: Backend | Officer, aheadMs = 0, url?: string): ApiClient {
    return new ApiClient(url ?? this.served.url, who, () => this.deployment.time.wall + aheadMs);
  }

  /** Waits until a transfer is in a state, and gives it back. */
  async transferIn(transferId: string, state: string): Promise<z.infer<typeof transferView>> {
    const path = `/v1/transfers/${transferId}`;
    for (let tries = 0; tries < 200; tries += 1) {
      const transfer = transferView.parse((await this.alice.get(path)).body);
      if (transfer.state === state) return transfer;
      await sleep(50);
    }
    throw new Error(`transfer never came to ${state}: ${(await this.alice.get(path)).text}`);
  }

  /** A transfer that needs two officers, as far as its statement. */
  async awaitingApprovals(
    idempotencyKey: string,
    backend: Backend = this.deployment.exchange,
  ): Promise<{ transferId: string; request: ReturnType<Deployment['request']> }> {
    const request = this.deployment.request(
      { amount: '50000000', customer: `customer-${idempotencyKey}` },
      backend,
    );
    const client = backend === this.deployment.desk ? this.desk : this.exchange;
    const answer = await client.post('/v1/transfers', { body: request, idempotencyKey });
    const { transferId } = transferView.parse(answer.body);
    await this.transferIn(transferId, 'awaiting-approvals');
    return { transferId, request };
  }
}

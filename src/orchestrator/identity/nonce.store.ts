// Nonces that were used. In the database, so that a replay is also refused by another orchestrator and after a restart.

import { Injectable } from '@nestjs/common';
import { MAX_LIFETIME_SECONDS } from '../../core/http-message-signatures/profile.js';
import type { HttpSignatureParameters } from '../../core/http-message-signatures/verify.js';
import { Database } from '../database/database.js';
import { insertNew, run } from '../database/sql.js';
import { HttpNonce } from './nonce.entity.js';

/** Orchestrators' clocks may differ; a nonce outlives its signature by as much as the signature lived. */
const KEPT_LONGER_MS = MAX_LIFETIME_SECONDS * 1_000;

@Injectable()
export class NonceStore {
  constructor(private readonly database: Database) {}

  /** True the first time. To be called only once the signature was verified, or strangers could use nonces up. */
  async use(signature: HttpSignatureParameters): Promise<boolean> {
    return this.database.transaction((db) =>
      insertNew(db, HttpNonce, {
        signer: `${signature.alg}/${signature.keyId}`,
        nonce: signature.nonce,
        expiresAtMs: signature.expiresMs,
      }),
    );
  }

  /** Forgets nonces whose signatures no orchestrator would accept any more. */
  async purge(nowMs: number): Promise<void> {
    await this.database.transaction((db) =>
      run(db, 'DELETE FROM http_nonces WHERE expires_at_ms < ?', [nowMs - KEPT_LONGER_MS]),
    );
  }
}

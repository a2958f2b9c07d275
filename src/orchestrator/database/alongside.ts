// Database work that a caller wants done in the very transaction of an effect: both happen or neither. It is how the
// API binds an Idempotency-Key to what the call did, with no moment between the two at which a crash could part them.

import type { EntityManager } from 'typeorm';

/** Called once inside the effect's transaction, after its own writes. May be called again when the database retries it. If it throws, the effect is undone. */
export type Alongside = (db: EntityManager) => Promise<void>;

// What an auditor sees in the database that several orchestrators share: who holds which work, and every lease that was
// taken while it was alive. It goes by the database's own clock and believes no orchestrator.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { eventually } from './rig.js';

/** Two clocks that follow the server's differ by less than this, also on a machine that is busy with other tests. */
const TOLERANCE_MS = 1_000;

/** A step that waits for nobody takes less. */
const LASTING_MS = 200;

/** Records a claim of work whose lease has not run out. Giving a lease back sets its end to 0 first. */
const WATCH = `
  CREATE TABLE stolen (kind TEXT, subject TEXT, owner TEXT, thief TEXT, left_ms BIGINT);
  CREATE FUNCTION note_theft() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE left_ms BIGINT := OLD.lease_until_ms - (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  BEGIN
    IF NEW.fence > OLD.fence AND left_ms > ${TOLERANCE_MS} THEN
      INSERT INTO stolen VALUES (OLD.kind, OLD.subject, OLD.lease_owner, NEW.lease_owner, left_ms);
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER note_theft BEFORE UPDATE ON work FOR EACH ROW EXECUTE FUNCTION note_theft()`;

export interface HeldWork {
  readonly kind: string;
  readonly subject: string;
  readonly fence: string;
  readonly leftMs: number;
}

export class LeaseAuditor {
  private constructor(private readonly client: pg.Client) {}

  static async watch(databaseUrl: string): Promise<LeaseAuditor> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(WATCH);
    return new LeaseAuditor(client);
  }

  async end(): Promise<void> {
    await this.client.end();
  }

  async stolen(): Promise<readonly unknown[]> {
    return (await this.client.query('SELECT * FROM stolen')).rows;
  }

  /** Work that this orchestrator has a living lease of. */
  async heldBy(owner: string): Promise<readonly HeldWork[]> {
    const { rows } = await this.client.query<{ kind: string; subject: string; fence: string; left: string }>(
      `SELECT kind, subject, fence, lease_until_ms - (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS left
       FROM work WHERE lease_owner = $1 AND lease_until_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint`,
      [owner],
    );
    return rows.map(({ left, ...row }) => ({ ...row, leftMs: Number.parseInt(left, 10) }));
  }

  /** Returns what it holds once it is at some work of this kind for longer than a step of its own takes. */
  async until(owner: string, kind: string): Promise<readonly HeldWork[]> {
    let held: readonly HeldWork[] = [];
    await eventually(`${owner} has a lease of a ${kind}`, async () => {
      const before = new Set((await this.heldBy(owner)).map(({ subject, fence }) => `${subject} ${fence}`));
      await sleep(LASTING_MS);
      held = await this.heldBy(owner);
      return held.some((work) => work.kind === kind && before.has(`${work.subject} ${work.fence}`));
    });
    return held;
  }

  /** The fence of a piece of work, which grows with every claim. */
  async fence({ kind, subject }: HeldWork): Promise<bigint> {
    const { rows } = await this.client.query<{ fence: string }>(
      'SELECT fence FROM work WHERE kind = $1 AND subject = $2',
      [kind, subject],
    );
    return BigInt(rows[0]?.fence ?? 0);
  }

  /** Names of all who moved a transfer. */
  async movers(): Promise<ReadonlySet<string>> {
    const { rows } = await this.client.query<{ moved_by: string }>(
      'SELECT DISTINCT moved_by FROM transitions WHERE from_state IS NOT NULL',
    );
    return new Set(rows.map(({ moved_by }) => moved_by));
  }

  /** Everything that was ever recorded of transfers and of signatures, to compare it with later. */
  async record(): Promise<unknown> {
    const moves = await this.client.query('SELECT * FROM transitions ORDER BY transfer_id, version');
    const signatures = await this.client.query(
      'SELECT transaction_key, state, transaction_id, signed_hex, signed_at_ms, broadcast_at_ms FROM transactions ORDER BY transaction_key',
    );
    return { moves: moves.rows, signatures: signatures.rows };
  }

  /** Longest that any transfer took from its request to its last move, in milliseconds. */
  async longest(): Promise<number> {
    const { rows } = await this.client.query<{ longest: string }>(
      'SELECT max(updated_at_ms - received_at_ms) AS longest FROM transfers',
    );
    return Number.parseInt(rows[0]?.longest ?? '0', 10);
  }
}

// Somebody who can write the orchestrator's database, and so does: changes where money goes, after everybody has
// approved. Triggers do it in the very moment, as a patient thief would. SQLite only.

import BetterSqlite from 'better-sqlite3';

export class DatabaseThief {
  private readonly database: BetterSqlite.Database;
  private triggers: string[] = [];

  constructor(databaseUrl: string) {
    this.database = new BetterSqlite(databaseUrl.replace(/^sqlite:/, ''), { timeout: 10_000 });
  }

  /** From now on every plan that pays `victim` pays `thief`; both as plans write them (script, or address). */
  swapInPlans(victim: string, thief: string): void {
    this.plant(
      'plans',
      `AFTER INSERT ON transactions BEGIN
         UPDATE transactions SET plan = replace(plan, ${text(victim)}, ${text(thief)})
         WHERE transaction_key = NEW.transaction_key;
       END`,
    );
  }

  /** From now on whatever names `victim` names `thief`, once the signer is about to be asked: bytes, request, statement. */
  swapEverywhere(victim: { readonly planned: string; readonly address: string }, thief: typeof victim): void {
    this.swapInPlans(victim.planned, thief.planned);
    const swap = (column: string) =>
      `${column} = replace(${column}, ${text(victim.address)}, ${text(thief.address)})`;
    this.plant(
      'requests',
      `AFTER UPDATE OF state ON transactions WHEN NEW.state = 'signing' BEGIN
         UPDATE transfers SET ${swap('request')}, ${swap('statement')}
         WHERE instr(request, ${text(victim.address)}) > 0;
       END`,
    );
  }

  /** Changes a stored request at once. */
  editRequest(transferId: string, from: string, to: string): void {
    this.database
      .prepare('UPDATE transfers SET request = replace(request, ?, ?) WHERE transfer_id = ?')
      .run(from, to, transferId);
  }

  private plant(name: string, body: string): void {
    this.database.exec(`CREATE TRIGGER thief_${name} ${body}`);
    this.triggers.push(`thief_${name}`);
  }

  leave(): void {
    for (const trigger of this.triggers) this.database.exec(`DROP TRIGGER ${trigger}`);
    this.triggers = [];
  }

  close(): void {
    this.leave();
    this.database.close();
  }
}

function text(value: string): string {
  if (!/^[0-9A-Za-z]+$/.test(value)) throw new RangeError('an address or a script');
  return `'${value}'`;
}

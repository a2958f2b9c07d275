// A connection to PostgreSQL that has the server keep each statement prepared. The program has a few hundred texts and sends
// them again and again; parsed and planned anew each time, they cost the server more than doing them does.

import pg from 'pg';

/** More than there are different texts in the program. What comes after them is sent unprepared. */
const MOST_PREPARED = 500;

const names = new Map<string, string>();

/** The same name for the same text on every connection, as the driver demands; nothing once there are too many. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MOST_PREPARED) return undefined;
  const name = `portcullis_${names.size}`;
  names.set(text, name);
  return name;
}

type Query = (config: unknown, ...more: readonly unknown[]) => unknown;

export class PreparingClient extends pg.Client {
  constructor(options?: pg.ClientConfig) {
    super(options);
    const query = this.query.bind(this) as Query;
    // Statements without parameters begin and end transactions: there is nothing to plan.
    const prepared: Query = (config, values, ...more) => {
      const name =
        typeof config === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(config) : undefined;
      return name === undefined
        ? query(config, values, ...more)
        : query({ name, text: config, values }, ...more);
    };
    Object.assign(this, { query: prepared });
  }
}

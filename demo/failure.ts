// When something did not go as it should: one error, with a reason that a person understands.

import { type Facts, Fault } from '../src/core/fault.js';

export type DemoFaultCode = 'not-as-expected' | 'command-failed' | 'took-too-long' | 'already-running';

/** The demo checks everything that it shows. Throws `not-as-expected`. */
export function expect(holds: boolean, otherwise: string, facts: Facts = {}): asserts holds {
  if (!holds) throw new Fault<DemoFaultCode>('not-as-expected', otherwise, { facts });
}

/** Asks again and again until there is an answer. Throws `took-too-long`. */
export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | undefined>,
  everyMs = 100,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) {
      throw new Fault<DemoFaultCode>('took-too-long', `${what}: not within ${withinMs / 1_000} seconds`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

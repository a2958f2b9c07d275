// How the nodes of a chain behave at the moment: well, or like nodes on a bad day. One node's mood is its own; what it answers is
// the model's of its chain, spoiled here.

import type { Chance } from './chance.js';
import { asked } from './errand.js';
import { never, type Process, type Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

export interface Mood {
  /** Does not answer at all. */
  down: boolean;
  /** So many blocks behind. */
  behind: number;
  /** In so many of 1,000 questions: an error instead of an answer. */
  errors: number;
  /** The question arrives and has its effect, the answer is lost. */
  lost: number;
  /** The question arrives twice. */
  doubled: number;
  /** Says what is not true. */
  lies: number;
}

export function healthy(): Mood {
  return { down: false, behind: 0, errors: 0, lost: 0, doubled: 0, lies: 0 };
}

export function badDay(chance: Chance, mayLie: boolean): Mood {
  return {
    down: chance.hit(250),
    behind: chance.hit(400) ? chance.between(1, 5) : 0,
    errors: chance.hit(500) ? 150 : 0,
    lost: chance.hit(500) ? 100 : 0,
    doubled: chance.hit(500) ? 150 : 0,
    lies: mayLie ? 400 : 0,
  };
}

export interface HttpText {
  readonly status: number;
  readonly text: string;
}

/** What a node makes of one question: JSON text of its `result` or `error`. */
export type Answer = (mood: Mood, method: string, params: readonly unknown[]) => string;

interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** One question to a node and back, as HTTP would carry it. Rejects for what is no HTTP answer. */
export async function carry(
  parts: {
    readonly process: Process;
    readonly scheduler: Scheduler;
    readonly chance: Chance;
    readonly trace: Trace;
  },
  mood: Mood,
  answer: Answer,
  body: string,
): Promise<HttpText> {
  const { process, scheduler, chance, trace } = parts;
  const { id, method, params } = JSON.parse(body) as Asked;
  asked(method);
  await scheduler.point(process, 'before a node is asked');
  if (!process.alive) return never();
  if (mood.down) throw new Error('connection refused');
  if (chance.hit(mood.errors)) {
    trace.count('node error');
    if (chance.hit(300)) return { status: 503, text: 'not now' };
    if (chance.hit(300)) return { status: 429, text: '' };
    const error = '{"code":-32000,"message":"internal error"}';
    return { status: 200, text: `{"jsonrpc":"2.0","id":${id},"result":null,"error":${error}}` };
  }
  if (chance.hit(mood.doubled)) {
    trace.count('node question doubled');
    answer(mood, method, params);
  }
  const said = answer(mood, method, params);
  if (chance.hit(mood.lost)) {
    trace.count('node answer lost');
    throw new Error('connection reset');
  }
  await scheduler.point(process, 'after a node has answered');
  if (!process.alive) return never();
  return { status: 200, text: `{"jsonrpc":"2.0","id":${id},${said}}` };
}

export function resultText(value: unknown): string {
  return `"result":${JSON.stringify(value)}`;
}

export function errorText(code: number, message: string): string {
  return `"result":null,"error":${JSON.stringify({ code, message })}`;
}

// What is known of one node's health, by kind of failure. A kind pauses only what it says something about: a method
// that is missing does not make the node's other methods suspect, and an error that the node answers pauses nothing.
// Every pause ends by time. It only orders preference: ethereum-rpc.ts asks paused nodes rather than nobody.

import type { Clock } from '../../../core/clock.js';
import type { ProviderFailure } from './rpc-endpoint.js';

/** `stale` is judged over several nodes' heads; the others come from one answer. */
export type IllnessKind = Exclude<ProviderFailure['kind'], 'node-error'> | 'stale';

export interface Illness {
  readonly kind: IllnessKind;
  /** The method that it concerns; undefined when it is the whole node. */
  readonly method: string | undefined;
  readonly detail: string;
  /** Failures of this kind in a row. */
  readonly failures: number;
  readonly sinceMs: number;
  readonly pausedUntilMs: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Malformed and unsupported are about a method. */
const OF_METHOD: ReadonlySet<IllnessKind> = new Set(['malformed', 'unsupported']);
/** What a well-formed answer to any question disproves. */
const DISPROVED_BY_ANSWER: readonly IllnessKind[] = ['unreachable', 'rate-limited'];

export class RpcHealth {
  private readonly illnesses = new Map<string, Illness>();

  constructor(private readonly clock: Clock) {}

  /** An answer that fits its schema, or an error that the node itself gave. */
  answered(method: string): void {
    for (const kind of DISPROVED_BY_ANSWER) this.illnesses.delete(keyOf(kind, undefined));
    for (const kind of OF_METHOD) this.illnesses.delete(keyOf(kind, method));
  }

  failed(method: string, failure: ProviderFailure): void {
    switch (failure.kind) {
      case 'node-error':
        this.answered(method);
        return;
      case 'rate-limited':
        this.note('rate-limited', undefined, 'asked to wait', failure.retryAfterMs);
        return;
      default:
        this.note(failure.kind, OF_METHOD.has(failure.kind) ? method : undefined, failure.detail);
    }
  }

  chainProven(): void {
    this.illnesses.delete(keyOf('wrong-chain', undefined));
  }

  stale(detail: string): void {
    this.note('stale', undefined, detail);
  }

  fresh(): void {
    this.illnesses.delete(keyOf('stale', undefined));
  }

  /** True while the node is better not asked this. `state`: the answer depends on how far the node has come. */
  paused(method: string, use: 'state' | 'any'): boolean {
    const nowMs = this.clock.nowMs();
    const active = (kind: IllnessKind, of: string | undefined) => {
      const illness = this.illnesses.get(keyOf(kind, of));
      return illness !== undefined && nowMs < illness.pausedUntilMs;
    };
    return (
      active('unreachable', undefined) ||
      active('rate-limited', undefined) ||
      active('wrong-chain', undefined) ||
      active('malformed', method) ||
      active('unsupported', method) ||
      (use === 'state' && active('stale', undefined))
    );
  }

  /** For status pages and alarms. */
  report(): readonly Illness[] {
    return [...this.illnesses.values()];
  }

  private note(kind: IllnessKind, method: string | undefined, detail: string, askedMs?: number): void {
    const key = keyOf(kind, method);
    const before = this.illnesses.get(key);
    const nowMs = this.clock.nowMs();
    const failures = (before?.failures ?? 0) + 1;
    const backOff = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20), LONGEST_PAUSE_MS);
    this.illnesses.set(key, {
      kind,
      method,
      detail,
      failures,
      sinceMs: before?.sinceMs ?? nowMs,
      pausedUntilMs: nowMs + (askedMs ?? backOff),
    });
  }
}

function keyOf(kind: IllnessKind, method: string | undefined): string {
  return `${kind} ${method ?? ''}`;
}

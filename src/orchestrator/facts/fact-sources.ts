// What watchers have stated lately: fetched, looked at as the signer will, and put into orders. Nothing here can state a fact.
// A watcher that is silent or lies costs an answer, never more than that: what does not verify is left out here, and refused
// by the signer.

import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { MAX_FACTS, parseSubject, type SignedFact, signedFact, subjectOf } from '../../core/facts/fact.js';
import { type KnownFacts, knownFacts, NO_FACTS, verifyFacts } from '../../core/facts/verify.js';
import type { GovernanceState } from '../../core/governance/state.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import { fetchText } from '../../platform/bounded-fetch.js';
import type { WatcherSettings } from '../config/settings.js';

/** Answers of one watcher are asked for again after this. Younger than any age limit that makes sense. */
const ASK_AGAIN_MS = 3_000;
const SUBJECTS_AT_ONCE = 32;
const MAX_ANSWER_BYTES = 512 * 1024;
/** Addresses come from requests: what is held of them is bounded. */
const MOST_HELD = 10_000;

const answerShape = z.object({ facts: z.array(signedFact).max(SUBJECTS_AT_ONCE) });

interface Heard {
  readonly atMs: number;
  /** By the watcher that stated it. */
  readonly facts: ReadonlyMap<string, SignedFact>;
}

export type OnSilence = (watcher: string, error: unknown) => void;

export class FactSources {
  private readonly heard = new Map<string, Heard>();
  private readonly asking = new Map<string, Promise<void>>();

  constructor(
    private readonly watchers: readonly WatcherSettings[],
    private readonly verifier: SignatureVerifier,
    private readonly clock: Clock,
    private readonly onSilence: OnSilence,
  ) {}

  /** False: there is nobody to ask, and nothing is ever known. */
  get isServed(): boolean {
    return this.watchers.length > 0;
  }

  /**
   * Asks all watchers about what was not asked lately, and waits for whoever asks about it already: of two answers about one
   * thing the later one is held. Network; never in a transaction. Throws nothing.
   */
  async gather(subjects: readonly string[]): Promise<void> {
    if (!this.isServed) return;
    const nowMs = this.clock.nowMs();
    // One that a watcher cannot read would have it refuse the others that are asked for with it.
    const all = [...new Set(subjects)].filter((subject) => parseSubject(subject) !== undefined);
    const underWay = all.flatMap((subject) => this.asking.get(subject) ?? []);
    const wanted = all.filter((subject) => !this.asking.has(subject) && !this.isFresh(subject, nowMs));
    const own = this.askAll(wanted, nowMs).finally(() => {
      for (const subject of wanted) this.asking.delete(subject);
    });
    for (const subject of wanted) this.asking.set(subject, own);
    await Promise.all([own, ...underWay]);
  }

  private isFresh(subject: string, nowMs: number): boolean {
    const known = this.heard.get(subject);
    return known !== undefined && nowMs >= known.atMs && nowMs - known.atMs <= ASK_AGAIN_MS;
  }

  private async askAll(wanted: readonly string[], nowMs: number): Promise<void> {
    for (let at = 0; at < wanted.length; at += SUBJECTS_AT_ONCE) {
      const some = wanted.slice(at, at + SUBJECTS_AT_ONCE);
      const answers = await Promise.all(this.watchers.map((watcher) => this.ask(watcher, some)));
      for (const subject of some) this.hold(subject, nowMs, answers);
    }
  }

  private async ask(
    { url, timeoutMs }: WatcherSettings,
    subjects: readonly string[],
  ): Promise<ReadonlyMap<string, SignedFact>> {
    const at = new URL('facts', url.endsWith('/') ? url : `${url}/`);
    for (const subject of subjects) at.searchParams.append('subject', subject);
    try {
      const text = await fetchText({ url: at.href }, { timeoutMs, maxBytes: MAX_ANSWER_BYTES });
      const { facts } = answerShape.parse(JSON.parse(text));
      return new Map(facts.map((fact) => [subjectOf(fact.statement.content), fact]));
    } catch (error) {
      this.onSilence(at.origin, error);
      return new Map();
    }
  }

  private hold(subject: string, atMs: number, answers: readonly ReadonlyMap<string, SignedFact>[]): void {
    const before = this.heard.get(subject)?.facts ?? new Map<string, SignedFact>();
    const facts = new Map(before);
    for (const [index, answer] of answers.entries()) {
      const fact = answer.get(subject);
      if (fact) facts.set(this.watchers[index]?.url ?? '', fact);
    }
    this.heard.delete(subject);
    const [oldest] = this.heard.keys();
    if (this.heard.size >= MOST_HELD && oldest !== undefined) this.heard.delete(oldest);
    this.heard.set(subject, { atMs, facts });
  }

  /** What the signer would believe of what is held about these, each key once. */
  held(state: GovernanceState, subjects: readonly string[], nowMs: number): SignedFact[] {
    const believed: SignedFact[] = [];
    for (const subject of new Set(subjects)) {
      const byKey = new Map<string, SignedFact>();
      for (const fact of this.heard.get(subject)?.facts.values() ?? []) {
        const isGood = verifyFacts(state, [fact], this.verifier, nowMs).kind === 'accepted';
        const { keyId, sequence } = fact.statement;
        if (isGood && sequence > (byKey.get(keyId)?.statement.sequence ?? 0)) byKey.set(keyId, fact);
      }
      believed.push(...byKey.values());
    }
    return believed.slice(0, MAX_FACTS);
  }

  /** What is known for one transfer out of what is held; undefined, for one that nobody has asked for. */
  known(
    state: GovernanceState,
    subjects: readonly string[],
    transferId: string | undefined,
    nowMs: number,
  ): KnownFacts {
    if (!this.isServed || subjects.length === 0) return NO_FACTS;
    const verified = verifyFacts(state, this.held(state, subjects, nowMs), this.verifier, nowMs);
    return verified.kind === 'refused' ? NO_FACTS : knownFacts(state, verified.value, transferId);
  }
}

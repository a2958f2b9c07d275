// `portcullis policy replay`: decides again about what was signed, and about what was refused where that is given, under other
// policies. Offline.

import { z } from 'zod';
import { latestOf, type Ordinals } from '../core/certificates/chain.js';
import type { Dossier } from '../core/certificates/dossier.js';
import type { Verified } from '../core/certificates/verify.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { ChangeKind } from '../core/policy/changes.js';
import { parsePolicies } from '../core/policy/parse.js';
import { type Replayed, replayPast } from '../core/policy/replay-past.js';
import { certifiedPast, historyOf } from './certified-past.js';
import { needed } from './cli-config.js';
import type { Answer, Given } from './command-line.js';
import { readLog, replayed } from './governance-log.js';
import { attention, faint, type Line, strong, table } from './lines.js';
import { readRefused, refusedPast } from './refused-past.js';
import { logOption, readDocument } from './policy-documents.js';
import { exitOn } from './verify.command.js';
import { instant } from './words.js';

export const replayOptions = z.object({
  ...logOption,
  policy: z.array(z.string()).min(1),
  refused: z.string().exactOptional(),
  days: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, 'a number of days')
    .exactOptional(),
});

const DAY_MS = 24 * 3_600_000;

const WORDS: Readonly<Record<ChangeKind, string>> = {
  refused: 'refused',
  'approvals-missing': 'held back for approvals that it did not have',
  unattended: 'approved by nobody any more',
  'approvals-eased': 'with fewer or weaker approvals',
  'approvals-tightened': 'with more or stricter approvals',
  'approvals-other': 'with other approvals',
  'hold-shorter': 'with a shorter wait',
  'hold-longer': 'with a longer wait',
  'let-through': 'let pass by the policies alone, which were refused',
  'let-through-approved': 'let pass with approvals, which were refused',
};

/** The files, each verified by itself and as a chain: one of each reservation, in their order. */
function verifiedIn(dossier: Dossier): Outcome<readonly Verified[]> {
  const verified: Verified[] = [];
  for (const { outcome } of dossier.checked) {
    if (outcome.kind === 'refused') return outcome;
    verified.push(outcome.value);
  }
  if (dossier.chain.kind === 'refused') return dossier.chain;
  const latest = latestOf(verified);
  return latest.kind === 'refused' ? latest : accepted(latest.value.map(([, one]) => one));
}

/** Reservations before the last one that are not in the files: what they charged, no limit counts. */
function missingFrom({ chain }: Dossier): readonly Ordinals[] {
  if (chain.kind === 'refused' || !chain.value.here) return [];
  const { here, missing } = chain.value;
  return here.from > 1 ? [{ from: 1, to: here.from - 1 }, ...missing] : missing;
}

function countLines({ decisions, changed, counts, unjudged }: Replayed): Line[] {
  const heldBack = changed.filter(({ isHeldBack }) => isHeldBack).length;
  const open = unjudged.length === 0 ? '' : `, ${unjudged.length} cannot be judged`;
  return [
    [
      strong(`${decisions} decisions, ${changed.length} would change`),
      `: ${heldBack} held back, ${changed.length - heldBack} otherwise${open}`,
    ],
    ...[...counts]
      .filter(([, count]) => count > 0)
      .map(([kind, count]): Line => `  ${`${count}`.padStart(6)}  ${WORDS[kind]}`),
  ];
}

function changeLines({ changed, unjudged }: Replayed): Line[] {
  return [
    ...(changed.length === 0
      ? []
      : table(
          ['transfer', 'decided', 'was', 'would be'],
          changed.map(({ transferId, atMs, was, wouldBe }) => [transferId, instant(atMs), was, wouldBe]),
        )),
    ...(unjudged.length === 0
      ? []
      : [
          [attention('Cannot be judged'), ': the draft asks for what nobody stated or noted then.'],
          ...table(
            ['transfer', 'decided', 'was', 'not known'],
            unjudged.map(({ transferId, atMs, was, notKnown }) => [
              transferId,
              instant(atMs),
              was,
              notKnown.join(', '),
            ]),
          ),
        ]),
  ];
}

/** A service that hides what a draft lets pass can say that it waited for the very approvals that the draft asks for. */
function alikeLines(waiting: number): Line[] {
  if (waiting === 0) return [];
  const words = ': refused, as the service says, for want of the very approvals that the draft asks for too.';
  return [[attention(`${waiting} more would wait as they did`), words]];
}

function boundLines(sinceMs: number, missing: readonly Ordinals[], refusals: number | null): Line[] {
  const gaps = missing.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  return [
    ...(sinceMs === 0 ? [] : [[faint(`Decided since ${instant(sinceMs)}; limits count what was before.`)]]),
    ...(gaps.length === 0
      ? []
      : [[attention('Missing'), `: reservations ${gaps.join(', ')}. What they took, no limit counts here.`]]),
    refusals === null
      ? [
          attention('Only what was signed is decided again'),
          ': what was refused then may pass under the draft, and is in no certificate. `refusals --out FILE` saves it, --refused FILE adds it.',
        ]
      : [
          attention(`Of ${refusals} refused requests, the signatures were verified`),
          ": that there are no others, and when and why they were refused, is the service's word alone.",
        ],
  ];
}

export async function replay(
  given: Given<z.infer<typeof replayOptions>>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const entries = readLog(needed(given.options.log ?? given.config.log, 'log', '--log FILE'));
  const { state } = replayed(entries, given.config.deployment);
  const parsed = parsePolicies(given.options.policy.map(readDocument), state);
  if (parsed.kind === 'refused') return parsed;
  const dossier = exitOn(files, entries, state.deploymentId);
  const verified = verifiedIn(dossier);
  if (verified.kind === 'refused') return verified;
  const history = historyOf(entries);
  const past = certifiedPast(verified.value, dossier.reckoned, history, state);
  const { days, refused: file } = given.options;
  const signed = new Set(past.map(({ transferId }) => transferId));
  const refusals = refusedPast(
    file === undefined ? [] : readRefused(file),
    verified.value,
    dossier.reckoned,
    history,
    signed,
  );
  if (refusals.kind === 'refused') return refusals;
  // Not by the times of refusals, which nobody signed: one of next year would hide all that was signed.
  const newestMs = past.reduce((newest, { atMs }) => Math.max(newest, atMs), 0);
  const sinceMs = days === undefined ? 0 : Math.max(0, newestMs - Number(days) * DAY_MS);
  const said = replayPast(parsed.value, past, sinceMs, refusals.value);
  const missing = missingFrom(dossier);
  const { decisions, changed, counts, unjudged, waitingAlike } = said;
  const refused = file === undefined ? null : refusals.value.length;
  return accepted({
    json: {
      decisions,
      counts: Object.fromEntries(counts),
      changed,
      unjudged,
      waitingAlike,
      sinceMs,
      missing,
      refused,
    },
    lines: [
      ...countLines(said),
      ...changeLines(said),
      ...alikeLines(waitingAlike),
      ...boundLines(sinceMs, missing, refused),
    ],
  });
}

// `portcullis signer restore` without a step: where one stands on the way from a lost store to a signer that runs again, from
// the files that are there, and what is next. It changes nothing and signs nothing.

import { existsSync } from 'node:fs';
import { Fault } from '../core/fault.js';
import { quorumWords } from '../core/governance/wanted.js';
import { verifyRestore } from '../core/recovery/restore.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { RestoreFacts } from '../sdk/ways-out.js';
import { type KnownGovernance, needPinned, readLog, replayed } from './governance-log.js';
import { attention, bad, faint, good, type Line, strong, wrapped } from './lines.js';
import { contentRefusal, type RestoreFile, readRecord, readRestore, recordRefusal } from './restore-file.js';
import type { Status } from './status.command.js';

export interface WalkFiles {
  readonly record: string;
  readonly log: string;
  readonly restore: string;
}

/** What the API says, where it was asked. */
export interface WalkLive {
  readonly status: Pick<Status, 'signer'>;
  readonly facts: RestoreFacts;
}

export type StepName = 'why' | 'record' | 'log' | 'draft' | 'sign' | 'restore' | 'refresh';

export interface Step {
  readonly step: StepName;
  readonly title: string;
  /** `look`: nothing here can tell; a person has to. `bad`: something is there and does not hold. */
  readonly is: 'done' | 'next' | 'later' | 'look' | 'bad';
  readonly detail: string;
  readonly commands: readonly string[];
}

type Part = Pick<Step, 'detail' | 'commands'> & { readonly is: 'done' | 'missing' | 'bad' | 'look' };

/** Reads something that may not be there, or not hold. */
function reading<T>(path: string, read: () => T): T | Fault | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

const missing = (detail: string, ...commands: string[]): Part => ({ is: 'missing', detail, commands });
const wrong = (detail: string, ...commands: string[]): Part => ({ is: 'bad', detail, commands });
const done = (detail: string): Part => ({ is: 'done', detail, commands: [] });

function draftPart(
  files: WalkFiles,
  file: RestoreFile | Fault | undefined,
  log: KnownGovernance | undefined,
  nowMs: number,
): Part {
  const command = `portcullis signer restore draft --record ${files.record} --log ${files.log} --out ${files.restore}`;
  if (file === undefined) return missing(`${files.restore} is not there`, command);
  if (file instanceof Fault) return wrong(file.message, command);
  const anew = 'draw it up anew, under another name, and have that one signed';
  const record = reading(files.record, () => readRecord(files.record));
  if (record !== undefined && !(record instanceof Fault)) {
    const other = recordRefusal(file.statement, record, log?.entries);
    if (other.kind === 'refused') return wrong(`${other.code}: ${anew}`, command);
  }
  if (log === undefined) return missing('it is there; without the log nothing can be said of it');
  const refusal = contentRefusal(file.statement, log, nowMs);
  return refusal.kind === 'refused'
    ? wrong(`${refusal.code}: ${anew}`, command)
    : done(`${file.statement.wallets.length} wallets, entry ${file.statement.lost.sequence} on the token`);
}

function signPart(
  { restore }: WalkFiles,
  file: RestoreFile | undefined,
  log: KnownGovernance | undefined,
  nowMs: number,
): Part {
  const command = `portcullis signer restore sign ${restore}`;
  if (file === undefined || log === undefined) return missing('nothing to sign yet', command);
  const verified = verifyRestore(file, log.entries, log.state.deploymentId, nativeVerifier, nowMs);
  const count = `${file.signatures.length} signatures, ${quorumWords(log.state.quorum)} are needed`;
  if (verified.kind === 'accepted') return done(count);
  return verified.code === 'governance-quorum-missing' || verified.code === 'governance-class-missing'
    ? missing(count, `${command}   (each officer, on their own machine)`)
    : wrong(`${verified.code}: ${count}`, command);
}

function restorePart(files: WalkFiles, file: RestoreFile | undefined, live: WalkLive | undefined): Part {
  const command = `signer restore --config signer.yaml --restore ${files.restore} --log ${files.log}`;
  const serve = 'signer serve --config signer.yaml';
  const { status } = live ?? {};
  if (file === undefined || status === undefined) {
    return {
      is: 'look',
      detail: "on the signer's host; with --ask it is looked up here",
      commands: [command, serve],
    };
  }
  const { reachable, journalSequence } = status.signer;
  return reachable && journalSequence !== null && journalSequence > file.statement.lost.sequence
    ? done(`the signer runs, at entry ${journalSequence} of its journal`)
    : missing("on the signer's host: the signer does not run yet", command, serve);
}

/** How many of the restored coins and nonces nothing has used up yet, as far as the chain shows. */
export function leftToRefresh(
  { statement }: RestoreFile,
  facts: RestoreFacts,
): ReadonlyMap<string, number | undefined> {
  return new Map(
    statement.wallets.map((restored): [string, number | undefined] => {
      const now = facts.wallets.find(({ walletId }) => walletId === restored.walletId)?.wallet;
      if (restored.family === 'bitcoin') {
        if (now?.family !== 'bitcoin') return [restored.walletId, undefined];
        const unspent = new Set(now.unspent);
        return [restored.walletId, restored.unspent.filter((outpoint) => unspent.has(outpoint)).length];
      }
      if (now?.family !== 'ethereum') return [restored.walletId, undefined];
      return [restored.walletId, Math.max(0, restored.nextNonce - now.minedNonces)];
    }),
  );
}

function refreshPart(
  { restore }: WalkFiles,
  file: RestoreFile | undefined,
  live: WalkLive | undefined,
): Part {
  const commands = [`portcullis signer restore refresh ${restore}`];
  if (file === undefined || live === undefined) {
    return { is: 'look', detail: 'once the signer runs; with --ask it is looked up here', commands };
  }
  const left = [...leftToRefresh(file, live.facts)];
  const detail = left.map(([walletId, count]) => `${walletId}: ${count ?? 'unknown'} left`).join(', ');
  return left.every(([, count]) => count === 0) ? done(detail) : { is: 'missing', detail, commands };
}

/** Faults `setting-missing`, `governance-mismatch` when the log at hand is not of the deployment that is trusted. */
export function walk(
  files: WalkFiles,
  pinned: string | undefined,
  nowMs: number,
  live: WalkLive | undefined,
): readonly Step[] {
  const record = reading(files.record, () => readRecord(files.record));
  const log = reading(files.log, () => needPinned(replayed(readLog(files.log), pinned)));
  const file = reading(files.restore, () => readRestore(files.restore));
  const known = log instanceof Fault ? undefined : log;
  const drafted = file instanceof Fault ? undefined : file;
  const saveLog = `portcullis governance log --out ${files.log}`;
  const printRecord = `signer record --config signer.yaml > ${files.record}   (on the signer's host)`;
  const parts: readonly (readonly [StepName, string, Part])[] = [
    [
      'why',
      'Find out why the store is gone',
      {
        is: 'look',
        detail:
          'store-missing, store-corrupt, store-rolled-back or store-diverged may be an attack. Never copy an old store back, never run init, never run two signers.',
        commands: ['docs/restore.md'],
      },
    ],
    [
      'record',
      'Have the record on the token',
      record === undefined
        ? missing(`${files.record} is not there`, printRecord)
        : record instanceof Fault
          ? wrong(record.message, printRecord)
          : done(`entry ${record.sequence}, ${record.hash}`),
    ],
    [
      'log',
      'Have the newest governance log',
      log === undefined
        ? missing(`${files.log} is not there`, saveLog)
        : log instanceof Fault
          ? wrong(log.message, saveLog)
          : done(`${log.entries.length} entries, the newest is ${log.state.head}`),
    ],
    ['draft', 'Draw up what the signer begins again with', draftPart(files, file, known, nowMs)],
    ['sign', 'Have it signed by a quorum of officers', signPart(files, drafted, known, nowMs)],
    ['restore', 'Make the store anew, and start the signer', restorePart(files, drafted, live)],
    ['refresh', 'Use up the old coins and nonces', refreshPart(files, drafted, live)],
  ];
  let isNextFound = false;
  return parts.map(([step, title, { is, detail, commands }]): Step => {
    const open = is === 'missing' || is === 'bad' || (is === 'look' && step !== 'why');
    const isNext = open && !isNextFound;
    if (isNext) isNextFound = true;
    const standing = is === 'missing' || (is === 'look' && step !== 'why') ? (isNext ? 'next' : 'later') : is;
    return { step, title, is: standing, detail, commands: is === 'done' ? [] : commands };
  });
}

const SIGNS = {
  done: good('✓'),
  next: attention('→'),
  later: faint('·'),
  look: attention('–'),
  bad: bad('✗'),
} as const;

export function walkLines(steps: readonly Step[]): Line[] {
  return steps.flatMap(({ title, is, detail, commands }, index): Line[] => [
    ['  ', SIGNS[is], ` ${index + 1}. `, is === 'later' ? faint(title) : strong(title)],
    ...(is === 'later' ? [] : wrapped(detail, 84, '       ')),
    ...(is === 'later' ? [] : commands.map((command): Line => ['       $ ', command])),
  ]);
}

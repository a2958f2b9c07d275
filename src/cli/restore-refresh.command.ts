// `portcullis signer restore refresh`: the last step of a restore. Wallets pay themselves until nothing is left that the
// lost store may have signed over. It signs nothing itself; what may be spent so is what the quorum has signed.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { verifyRestore } from '../core/recovery/restore.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { type RefreshAnswer, refreshAnswer } from '../sdk/ways-out.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { type KnownGovernance, newestGovernance } from './governance-log.js';
import { faint, good, type Line, strong } from './lines.js';
import { duration, officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { type RestoreFile, readRestore } from './restore-file.js';
import { instant } from './words.js';

const POLL_MS = 2_000;

const refreshOptions = z.object({ timeout: duration, ...officerShape, ...pinShape });

/** The quorum of the governance that it was signed under; what was appended since changes nothing about it. */
function acceptedBefore({ statement, signatures }: RestoreFile, { entries, state }: KnownGovernance) {
  const then = entries.slice(0, statement.governanceSequence + 1);
  return verifyRestore({ statement, signatures }, then, state.deploymentId, nativeVerifier, undefined);
}

function progressLine({ walletId, underWay, remaining, why }: RefreshAnswer, nowMs: number): Line {
  const isDone = underWay === 0 && remaining === 0;
  return [
    faint(instant(nowMs).slice(11, 19)),
    '  ',
    strong(walletId),
    isDone ? '  all used up' : `  ${remaining} left, ${underWay} under way`,
    faint(why === null ? '' : `  ${why}`),
  ];
}

function refresh(given: Given<z.infer<typeof refreshOptions>>, path: string): Promise<Outcome<Answer>> {
  const file = readRestore(path);
  const { clock, options, terminal } = given;
  return asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
    const verified = acceptedBefore(file, await newestGovernance(given, api));
    if (verified.kind === 'refused') return verified;
    const until = clock.nowMs() + options.timeout;
    const told = new Map<string, string>();
    const answers = new Map<string, RefreshAnswer>();
    for (;;) {
      for (const wallet of file.statement.wallets) {
        const { walletId } = wallet;
        const answer = await api.post(`/v1/wallets/${walletId}/refresh`, wallet, refreshAnswer);
        if (answer.kind === 'refused') return answer;
        answers.set(walletId, answer.value);
        const { underWay, remaining, why } = answer.value;
        const moment = `${underWay}/${remaining}/${why}`;
        if (told.get(walletId) !== moment && !terminal.json) {
          terminal.tell([progressLine(answer.value, clock.nowMs())]);
        }
        told.set(walletId, moment);
      }
      const left = [...answers.values()].filter(({ underWay, remaining }) => underWay + remaining > 0);
      if (left.length === 0) break;
      if (clock.nowMs() >= until) {
        const open = left.map(({ walletId, underWay, remaining }) => `${walletId}: ${underWay + remaining}`);
        throw cliFault('not-yet', `not all is used up yet (${open.join(', ')})`);
      }
      await sleep(POLL_MS);
    }
    return accepted({
      json: { wallets: [...answers.values()] },
      lines: [
        [
          good('Used up.'),
          ' Nothing that the lost store signed over these coins and nonces can be mined any more,',
        ],
        '  once the transactions that used them up are deep enough for you. Only then pay anew what was asked for before.',
      ],
      exit: EXIT.ok,
    });
  });
}

export function refreshCommand(cli: CommandLine, restore: Command): void {
  cli.add(
    restore,
    {
      usage: 'refresh <file>',
      summary: 'use up the old coins and nonces, once the signer runs again',
      description:
        'Has every wallet of the restore pay itself until nothing is left that the lost store may have signed over. Ends with exit code 0 when all is used up, 6 when the time is over; run it again then.',
      example: 'signer restore refresh restore.json --timeout 2h',
    },
    [['--timeout <time>', 'how long to wait: 30m, 24h', '1h'], ...pinFlags, ...officerFlags],
    refreshOptions,
    (given, path = '') => refresh(given, path),
  );
}

// `portcullis ceremony`: from a plan that people agreed on to a genesis that they signed. docs/ceremony.md is the whole way.

import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { accepted } from '../core/fault.js';
import { entryHash } from '../core/governance/entry.js';
import { replayGenesis } from '../core/governance/replay.js';
import { quorumWords } from '../core/governance/wanted.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { ceremonyNotes, noteLines } from './ceremony-notes.js';
import type { CommandLine } from './command-line.js';
import { credentialOf, entryText, readEntry, stateAfter } from './entry-file.js';
import { entryLines } from './entry-words.js';
import { writeNew } from './files.js';
import { faint, fields, good, grouped, strong } from './lines.js';
import { genesisOf, readPlan } from './plan.js';

const SEED_BYTES = 32;

export function ceremonyCommands(cli: CommandLine): void {
  const ceremony = cli.group('ceremony', 'Begin a deployment');

  cli.add(
    ceremony,
    {
      usage: 'genesis',
      summary: 'make the unsigned genesis of a plan',
      description:
        'Reads a plan (persons and their public keys, groups, quorum, request keys, chains, wallets, tokens, policies) and writes the genesis entry that officers then sign with `portcullis governance sign`. Signs nothing itself.',
      example: 'ceremony genesis --plan plan.yaml --out genesis.json',
    },
    [
      ['--plan <file>', 'the plan; packaging/config/plan.example.yaml is one'],
      ['--out <file>', 'where to write the entry; must not exist'],
    ],
    z.object({ plan: z.string(), out: z.string() }),
    async ({ options, clock, randomness }) => {
      const seed = bytesToHex(randomness.bytes(SEED_BYTES));
      const body = genesisOf(readPlan(options.plan), options.plan, seed, clock.nowMs());
      const state = stateAfter(body, undefined);
      if (state.kind === 'refused') return state;
      writeNew(options.out, entryText({ body, signatures: [] }));
      const notes = ceremonyNotes(state.value);
      return accepted({
        json: { file: options.out, deploymentId: entryHash(body), notes },
        lines: [
          ...entryLines(body, undefined, state.value),
          '',
          ...noteLines(notes),
          '',
          [good('Written'), ` to ${options.out}, without signatures.`],
          `  Each officer now: portcullis governance sign ${options.out}`,
        ],
      });
    },
  );

  cli.add(
    ceremony,
    {
      usage: 'check <genesis>',
      summary: 'check a signed genesis and show the deployment id to read aloud',
      description:
        'Replays a signed genesis as the signer will: every rule of it, every policy, every signature. Whoever is in the room runs it on a machine of their own; all must read the same deployment id.',
      example: 'ceremony check genesis.json',
    },
    [],
    z.object({}),
    async (_given, file = '') => {
      const entry = readEntry(file);
      const replayed = replayGenesis(entry, nativeVerifier);
      if (replayed.kind === 'refused') return replayed;
      const { deploymentId, policyHash, quorum, safu } = replayed.value;
      const signers = entry.signatures.map(({ credentialId }) => {
        const holder = credentialOf(entry.body, undefined, credentialId);
        return `${holder?.personId ?? 'unknown'} (${credentialId})`;
      });
      const notes = ceremonyNotes(replayed.value);
      return accepted({
        json: { deploymentId, policyHash, signers: entry.signatures.map((one) => one.credentialId), notes },
        lines: [
          [good('Valid.'), ' The genesis replays, and its signatures hold.'],
          '',
          ...fields([
            ['signed by', signers.join(', ')],
            ['needed', [quorum, ...(safu ? [safu] : [])].map(quorumWords).join(' and ')],
            ['policy hash', policyHash],
          ]),
          '',
          ...noteLines(notes),
          '  Read aloud, and compare on every machine. This is the deployment id:',
          '',
          ...[0, 16, 32, 48].map((at) => ['    ', strong(grouped(deploymentId.slice(at, at + 16)))]),
          '',
          [faint(`    ${deploymentId}`)],
        ],
      });
    },
  );
}

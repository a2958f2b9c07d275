// `portcullis governance freeze`: one officer, or one freeze key, stops the signer, at once. Nothing about it is to be in
// the way: it needs no other officer, and at the signer's own host no orchestrator.

import { bytesToHex } from '@noble/hashes/utils.js';
import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { type Change, entryBytes, entryHash, type FreezeScope } from '../core/governance/entry.js';
import { scopeWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { displayName, identifier } from '../core/statements/fields.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { type GovernanceDoor, signersDoor } from './governance-door.js';
import { attention, good, type Line } from './lines.js';
import {
  actFlags,
  actShape,
  atOfficersDesk,
  byAll,
  type Desk,
  type Done,
  doAct,
  type Hand,
} from './one-person.js';
import { type RequestKeyFile, readRequestKey } from './request-key.js';

const options = z.object({
  wallet: identifier.exactOptional(),
  everything: z.boolean().default(false),
  why: displayName,
  freezeKey: z.string().min(1).exactOptional(),
  ...actShape,
});
type Options = z.infer<typeof options>;

function changeFor({ everything, wallet, why }: Options): Extract<Change, { kind: 'frozen' }> {
  if (everything === (wallet !== undefined)) {
    throw cliFault('arguments-invalid', 'say --wallet ID, or --everything', {});
  }
  const scope =
    wallet === undefined ? ({ kind: 'everything' } as const) : { kind: 'wallet' as const, walletId: wallet };
  return { kind: 'frozen', scope, why };
}

/** Governance knows a freeze key by what it is, so nobody has to say its id. */
async function keysHand(key: RequestKeyFile, { freezeKeys }: GovernanceState): Promise<Hand> {
  const known = [...freezeKeys.values()].find(({ publicKey }) => publicKey === key.publicKey);
  if (!known) {
    throw cliFault('key-mismatch', 'governance has no such freeze key', { publicKey: key.publicKey });
  }
  const { keyId } = known;
  return {
    signers: new Map(),
    sign: async (body) => {
      const signature = bytesToHex(await key.sign(entryBytes(body)));
      return { body, signatures: [{ credentialId: keyId, signature }] };
    },
  };
}

/** A freeze key calls no API: it can do one thing only, and that at the signer's own socket. */
function keysDesk({ freezeKey, socket }: Options): Desk | undefined {
  if (freezeKey === undefined) return undefined;
  if (socket === undefined) {
    throw cliFault('arguments-invalid', "a freeze key freezes at the signer's host: say --socket PATH", {});
  }
  const key = readRequestKey(freezeKey);
  return { door: signersDoor(socket), handIn: (state) => keysHand(key, state) };
}

/** Over the API this is the orchestrator's word, and it may be the orchestrator that was taken over. */
function frozenLines({ saidBy }: GovernanceDoor, sequence: number, scope: FreezeScope): Line[] {
  const stops = `nothing is signed any more for ${scopeWords(scope)}.`;
  if (saidBy === 'signer') {
    return [[good('Frozen.'), ` The signer has it as entry ${sequence}: ${stops}`]];
  }
  return [
    [good('Handed in.'), ` The orchestrator says that the signer has it as entry ${sequence}: then ${stops}`],
    [
      attention("  It is the orchestrator's word alone."),
      " To be sure, freeze at the signer's host: --socket.",
    ],
  ];
}

function answerOf({ door, body }: Done, scope: FreezeScope, socket: string | undefined): Answer {
  const { sequence } = body;
  return {
    json: { sequence, hash: entryHash(body), scope, saidBy: door.saidBy },
    lines: [
      ...frozenLines(door, sequence, scope),
      `  A quorum thaws it: portcullis ${byAll('thawed', socket)}.`,
    ],
  };
}

async function freeze(given: Given<Options>): Promise<Outcome<Answer>> {
  const change = changeFor(given.options);
  const act = { word: 'freeze', loosens: false, changeOn: () => accepted(change) };
  const desk = keysDesk(given.options);
  const done = await (desk
    ? doAct(given, act, desk)
    : atOfficersDesk(given, (own) => doAct(given, act, own)));
  return done.kind === 'refused' ? done : accepted(answerOf(done.value, change.scope, given.options.socket));
}

export function freezeCommand(cli: CommandLine, governance: Command): void {
  cli.add(
    governance,
    {
      usage: 'freeze',
      summary: 'stop the signer, for a wallet or for all: your signature alone, at once',
      description:
        "Signs a freeze with your token and hands it to the signer, through the API or, with --socket, at the signer's own host. With --freeze-key a script does it with a key that governance has for that. Nothing leaves the signer for what is frozen until a quorum thaws it.",
      example: 'governance freeze --wallet hot-btc --why "payments nobody asked for" --config alice.yaml',
    },
    [
      ['--wallet <id>', 'freeze this wallet'],
      ['--everything', 'freeze all wallets'],
      ['--why <text>', 'for the log; at most 64 characters'],
      ['--freeze-key <file>', 'sign with this freeze key and no token; needs --socket'],
      ...actFlags,
    ],
    options,
    freeze,
  );
}

// `portcullis governance`: look at who may do what, and change it. Entries are files that officers pass to each other; the
// signer judges them, whoever hands them in.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { bandWords } from '../core/governance/band-words.js';
import { draftEntry } from '../core/governance/draft.js';
import {
  type EntryBody,
  entryBytes,
  entryHash,
  type GovernanceEntry,
  governanceEntry,
} from '../core/governance/entry.js';
import { chainWords, scopeWords, spanWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { freshForMs } from '../core/governance/fresh-head.js';
import { quorumWords } from '../core/governance/wanted.js';
import { asOfficer, withPen } from './caller.js';
import { readChange } from './change-file.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { credentialOf, type EntryFile, entryText, readEntry, stateAfter } from './entry-file.js';
import { checkPlace, confirmEntry, signersFor } from './entry-signing.js';
import { entryLines } from './entry-words.js';
import { cliFault } from './exit.js';
import { jsonText, rewrite, writeNew } from './files.js';
import { freezeCommand } from './freeze.command.js';
import { apiDoor, type GovernanceDoor, signersDoor } from './governance-door.js';
import { type KnownGovernance, knownGovernance, needPinned, notPinned, replayed } from './governance-log.js';
import { attention, faint, fields, good, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape, socketFlags, socketShape } from './options.js';
import { proposalCommands, proposeAtApi } from './proposal.commands.js';
import { vouchCommand } from './vouch.command.js';
import { waitingCommands } from './waiting.commands.js';
import { instant } from './words.js';

const officerOptions = z.object({ ...officerShape, ...pinShape, ...socketShape });
const readFlags = [...pinFlags, ...socketFlags, ...officerFlags];

/** From the file that was named, from the signer's socket, or from the API by an officer. */
async function governanceFor(given: Given<z.infer<typeof officerOptions>>): Promise<KnownGovernance> {
  const { log, socket, deployment } = given.options;
  if (log !== undefined && socket !== undefined) {
    throw cliFault('arguments-invalid', 'say --log FILE or --socket PATH, not both', {});
  }
  if (log !== undefined) return knownGovernance(given, undefined);
  if (socket !== undefined) {
    return replayed(await signersDoor(socket).read(), deployment ?? given.config.deployment);
  }
  return asOfficer(given, ({ api }) => knownGovernance(given, api));
}

function timelockLines({ timelock }: Pick<GovernanceState, 'timelock'>): Line[] {
  const { whitelistMs, policyMs, veto } = timelock;
  const waits = (ms: number) => (ms === 0 ? 'acts at once' : `waits ${spanWords(ms)}`);
  return [
    `a new whitelist entry ${waits(whitelistMs)}, all else ${waits(policyMs)}`,
    `${quorumWords(veto)} can veto it; one of them who did not sign it activates it`,
    `what nobody approves needs a governor's word no older than ${spanWords(freshForMs(timelock))}`,
  ];
}

function retiredWords({ retired }: Pick<GovernanceState, 'retired'>, walletId: string): string {
  const successor = retired.get(walletId)?.successor;
  return successor === undefined ? '' : `, RETIRED: pays ${successor} alone`;
}

export function stateLines({ state, pinned }: Pick<KnownGovernance, 'state' | 'pinned'>): Line[] {
  const listed = (title: string, items: readonly Line[]): readonly [string, ...Line[]] =>
    items.length === 0 ? [title, 'none'] : [title, ...items];
  return [
    ...fields([
      listed(
        'persons',
        [...state.persons.values()].map(({ personId, name, credentials }) => [
          strong(personId),
          `  ${name}  `,
          faint(credentials.map((one) => one.credentialId).join(', ')),
        ]),
      ),
      listed(
        'groups',
        [...state.groups].map(([id, members]) => [strong(id), `  ${members.join(', ')}`]),
      ),
      ['changes need', quorumWords(state.quorum)],
      ...(state.safu ? [["SAFU's changes need also", quorumWords(state.safu)] as const] : []),
      ['what loosens', ...timelockLines(state)],
      listed(
        'waiting',
        [...state.pending.values()].map(({ sequence, hash, change }) => [
          attention(`entry ${sequence}`),
          `  ${change.kind}, ${hash.slice(0, 8)}: portcullis governance pending`,
        ]),
      ),
      listed(
        'whitelist',
        [...state.whitelist.values()].map(({ entryId, label, address, tiers }) => [
          strong(entryId),
          `  "${label}", ${address}, for ${tiers.join(' and ')}`,
        ]),
      ),
      listed(
        'delegations',
        [...state.delegations.values()].map(({ delegationId, group, from, to, startsAtMs, endsAtMs }) => [
          strong(delegationId),
          `  ${to} for ${from} in ${group}, ${instant(startsAtMs)} to ${instant(endsAtMs)}`,
        ]),
      ),
      listed(
        'freeze keys',
        [...state.freezeKeys.values()].map(({ keyId, holder }) => [strong(keyId), `  held by ${holder}`]),
      ),
      listed(
        'frozen',
        [...state.frozen.values()].map(({ scope, why, sequence }) => [
          attention(scopeWords(scope)),
          `  by entry ${sequence}: ${why}`,
        ]),
      ),
      listed(
        'request keys',
        [...state.requestKeys.values()].map(({ keyId, owners }) => [
          strong(keyId),
          `  for ${owners.join(', ')}`,
        ]),
      ),
      listed(
        'wallets',
        [...state.wallets.values()].map(({ walletId, tier, chain, token }) => [
          strong(walletId),
          `  ${tier}, ${chainWords(chain, state.chains.get(chain))}, token ${token}${retiredWords(state, walletId)}`,
        ]),
      ),
      listed(
        'tokens',
        [...state.tokens.values()].map(({ symbol, contract, chain }) => [
          strong(symbol),
          `  ${contract} on ${chain}`,
        ]),
      ),
      listed(
        'bands',
        [...state.bands.values()].flatMap((asset) =>
          asset.bands.map((band) => [
            strong(band.tier),
            `  ${bandWords(state, asset, band)}, on ${chainWords(asset.chain, state.chains.get(asset.chain))}`,
          ]),
        ),
      ),
      ['attestation key', `${state.attestation.label} in token ${state.attestation.token}`],
      ['audit log', state.auditLog ? `${state.auditLog.origin}, key ${state.auditLog.key.label}` : 'none'],
      ['policies', state.policies.map((policy) => policy.name).join(', ')],
      ['policy hash', state.policyHash],
      ['newest entry', `number ${state.sequence}, ${state.head}`],
      ['deployment', state.deploymentId],
    ]),
    ...(pinned ? [] : ['', notPinned()]),
  ];
}

/** The roster before an entry; none for genesis, which brings its own. */
async function stateBefore(
  given: Given<z.infer<typeof signOptions>>,
  body: EntryBody,
): Promise<GovernanceState | undefined> {
  if (body.change.kind === 'genesis') return undefined;
  const known = await governanceFor(given);
  // A log in a file is one that the officer has chosen; one that is served is not.
  if (given.options.log === undefined) needPinned(known);
  else if (!known.pinned) given.terminal.tell([notPinned()]);
  checkPlace(body, known.state);
  return known.state;
}

const signOptions = z.object({ ...officerOptions.shape, yes: z.boolean().default(false) });

async function sign(given: Given<z.infer<typeof signOptions>>, file: string): Promise<Outcome<Answer>> {
  const entry = readEntry(file);
  const before = await stateBefore(given, entry.body);
  const after = stateAfter(entry.body, before);
  if (after.kind === 'refused') return after;
  return withPen(given, async (pen) => {
    const { credentialId } = pen;
    const holder = credentialOf(entry.body, before, credentialId);
    if (!holder) {
      throw cliFault('key-mismatch', `the roster has no credential ${credentialId}`, { credentialId });
    }
    if (entry.signatures.some((one) => one.credentialId === credentialId)) {
      throw cliFault('file-exists', `${file} has a signature of ${credentialId} already`, { file });
    }
    await pen.check(holder.credential);
    await confirmEntry(given, entry.body, entryLines(entry.body, before, after.value));
    const signature = await pen.sign(holder.credential, entryBytes(entry.body));
    const signed: EntryFile = { ...entry, signatures: [...entry.signatures, { credentialId, signature }] };
    rewrite(file, entryText(signed));
    const by = signed.signatures.map((one) => one.credentialId);
    return accepted({
      json: { file, hash: entryHash(entry.body), signatures: by },
      lines: [
        [good('Signed'), ` by ${holder.personId} with ${credentialId}.`],
        ...fields([['signatures', by.join(', ')]]),
      ],
    });
  });
}

/** The signer's word at its own socket; over the API it is the orchestrator's. */
async function handedIn(door: GovernanceDoor, entry: GovernanceEntry): Promise<Outcome<Answer>> {
  const answer = await door.append(entry);
  if (answer.kind === 'refused') return answer;
  const { sequence, head } = answer.value;
  const whose = door.saidBy === 'signer' ? 'The signer' : 'The orchestrator says that the signer';
  return accepted({
    json: { sequence, head, saidBy: door.saidBy },
    lines: [
      [
        good(door.saidBy === 'signer' ? 'Taken.' : 'Handed in.'),
        ` ${whose} has it. The newest entry is number ${sequence}, ${head}.`,
      ],
    ],
  });
}

async function submit(given: Given<z.infer<typeof submitOptions>>, file: string): Promise<Outcome<Answer>> {
  const entry = governanceEntry.parse(readEntry(file));
  const { socket } = given.options;
  return socket === undefined
    ? asOfficer(given, ({ api }) => handedIn(apiDoor(api), entry))
    : handedIn(signersDoor(socket), entry);
}

const submitOptions = z.object({ ...officerShape, ...socketShape });

export function governanceCommands(cli: CommandLine): void {
  const governance = cli.group('governance', 'Look at who may do what, and change it');

  cli.add(
    governance,
    {
      usage: 'show',
      summary: 'show who may do what now',
      description:
        'Replays the governance log and shows what it comes to: persons, groups, keys, wallets, tokens, policies.',
      example: 'governance show --config alice.yaml',
    },
    readFlags,
    officerOptions,
    async (given) => {
      const known = await governanceFor(given);
      const { state } = known;
      return accepted({
        json: {
          deploymentId: state.deploymentId,
          pinned: known.pinned,
          sequence: state.sequence,
          head: state.head,
          policyHash: state.policyHash,
          quorum: state.quorum,
          safu: state.safu ?? null,
          timelock: state.timelock,
          pending: [...state.pending.values()].map((entry) => ({
            ...entry,
            signers: [...entry.signers.keys()],
          })),
          whitelist: [...state.whitelist.values()],
          delegations: [...state.delegations.values()],
          freezeKeys: [...state.freezeKeys.values()],
          persons: [...state.persons.values()],
          groups: [...state.groups].map(([groupId, members]) => ({ groupId, members })),
          frozen: [...state.frozen.values()],
          requestKeys: [...state.requestKeys.values()],
          chains: [...state.chains.values()],
          wallets: [...state.wallets.values()],
          tokens: [...state.tokens.values()],
          retired: [...state.retired.values()],
          attestation: state.attestation,
          bands: [...state.bands.values()],
          auditLog: state.auditLog ?? null,
          policies: state.policies,
        },
        lines: stateLines(known),
      });
    },
  );

  cli.add(
    governance,
    {
      usage: 'log',
      summary: 'save the governance log in a file',
      description:
        'Saves all entries, replayed and checked, for `portcullis verify` and for machines without the API. With --socket they come from the signer itself, and no token is needed.',
      example: 'governance log --out governance.json --config alice.yaml',
    },
    [['--out <file>', 'where to write it; must not exist'], ...readFlags],
    z.object({ out: z.string().min(1), ...officerOptions.shape }),
    async (given) => {
      const { entries, state, pinned } = await governanceFor(given);
      writeNew(given.options.out, jsonText(entries));
      return accepted({
        json: { file: given.options.out, entries: entries.length, head: state.head, pinned },
        lines: [
          [good('Saved'), ` ${entries.length} entries in ${given.options.out}.`],
          ...(pinned ? [] : [notPinned()]),
        ],
      });
    },
  );

  cli.add(
    governance,
    {
      usage: 'propose',
      summary: 'draft a change as the next entry, for officers to sign',
      description:
        'Reads one change (YAML: kind, and its fields as in the governance log; policies-set also takes `files`), checks that it can be made on top of the newest entry, and shows what it does. The entry becomes a proposal at the API, or with --out an unsigned file.',
      example: 'governance propose --change add-dora.yaml --config alice.yaml',
    },
    [
      ['--change <file>', 'the change'],
      ['--out <file>', 'write the entry to this file, which must not exist, and tell nobody'],
      ...readFlags,
    ],
    z.object({ change: z.string().min(1), out: z.string().min(1).exactOptional(), ...officerOptions.shape }),
    async (given) => {
      const asked = readChange(given.options.change);
      const { out, socket } = given.options;
      if (out === undefined && socket !== undefined) {
        throw cliFault('arguments-invalid', 'the signer keeps no proposals: say --out FILE as well', {});
      }
      if (out === undefined) return proposeAtApi(given, asked);
      const { state } = await governanceFor(given);
      const possible = draftEntry(state, asked, given.clock.nowMs());
      if (possible.kind === 'refused') return possible;
      const { body, after } = possible.value;
      writeNew(out, entryText({ body, signatures: [] }));
      return accepted({
        json: { file: out, sequence: body.sequence, hash: entryHash(body) },
        lines: [
          ...entryLines(body, state, after),
          '',
          [good('Written'), ` to ${out}, without signatures.`],
          `  It needs ${signersFor(body, state)}: portcullis governance sign ${out}`,
        ],
      });
    },
  );

  cli.add(
    governance,
    {
      usage: 'sign <entry>',
      summary: 'sign an entry with your token, after showing what it does',
      description:
        'Shows in words what an entry does, made from the very bytes that are signed, asks, and adds your signature to the file. A genesis is signed the same way.',
      example: 'governance sign genesis.json --config alice.yaml',
    },
    [['--yes', 'do not ask: a person has looked already'], ...readFlags],
    signOptions,
    (given, file = '') => sign(given, file),
  );

  cli.add(
    governance,
    {
      usage: 'submit <entry>',
      summary: 'hand a signed entry to the signer, through the API or at its own host',
      description:
        'The signer replays it and decides. With --socket it needs no API and no token. Handing in the same entry twice does no harm.',
      example: 'governance submit entry-7.json --config alice.yaml',
    },
    [...socketFlags, ...officerFlags],
    submitOptions,
    (given, file = '') => submit(given, file),
  );

  proposalCommands(cli, governance);
  freezeCommand(cli, governance);
  vouchCommand(cli, governance);
  waitingCommands(cli, governance);
}

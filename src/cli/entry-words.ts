// What a governance entry does, said in words, from the entry itself: what officers read before they sign it. Pure.

import { Fault } from '../core/fault.js';
import {
  type AuditLog,
  type Chain,
  type Change,
  type Credential,
  type EntryBody,
  type Erc20Token,
  entryHash,
  type FreezeScope,
  type Person,
  type PolicyDocument,
  type QuorumRule,
  type RequestKey,
  type Timelock,
  type Wallet,
} from '../core/governance/entry.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import { bad, faint, fields, grouped, type Line, type Span, strong } from './lines.js';
import { chainWords, compressed, instant, spanWords } from './words.js';

type Chains = ReadonlyMap<string, Chain>;

function credentialLines({ credentialId, credentialClass, publicKey }: Credential): Line[] {
  return [[`${credentialId} (${credentialClass}) `, faint(compressed(publicKey))]];
}

function personLines(person: Person): Line[] {
  return [[strong(person.personId), `  ${person.name}`], ...person.credentials.flatMap(credentialLines)];
}

function quorumWords({ group, threshold }: QuorumRule): string {
  return `${threshold} of ${group}`;
}

function waitWords(ms: number): string {
  return ms === 0 ? 'AT ONCE' : `after ${spanWords(ms)}, when another person who may veto lets it`;
}

function timelockRows({ whitelistMs, policyMs, veto }: Timelock): Row[] {
  return [
    ['whitelist', `a new entry acts ${waitWords(whitelistMs)}`],
    ['all else', `what loosens acts ${waitWords(policyMs)}`],
    ['veto', `${quorumWords(veto)} can end what waits`],
  ];
}

function requestKeyLines(key: RequestKey): Line[] {
  return [
    [strong(key.keyId), `  speaks for ${key.owners.join(', ')}, none of whom can approve what it asks for`],
    [faint(key.publicKey)],
  ];
}

/** The entry may be anybody's: a key that is no point of the curve is shown as that. */
function addressOf(publicKey: string, chain: Chain | undefined): Span | string {
  if (chain === undefined) return bad('its chain is not registered');
  try {
    const address =
      chain.family === 'bitcoin' ? p2wpkhAddress(publicKey, chain.network) : addressOfPublicKey(publicKey);
    return grouped(address);
  } catch (error) {
    if (error instanceof Fault && error.code === 'public-key-malformed') return bad('NOT A PUBLIC KEY');
    throw error;
  }
}

function walletLines(wallet: Wallet, chains: Chains): Line[] {
  const chain = chains.get(wallet.chain);
  return [
    [
      strong(wallet.walletId),
      `  ${wallet.tier}, on ${chainWords(wallet.chain, chain)}, keys in token "${wallet.token}"`,
    ],
    ...wallet.keys.map(({ label, publicKey }): Line => [`${label}  `, addressOf(publicKey, chain)]),
  ];
}

function tokenLines(token: Erc20Token): Line[] {
  return [
    [strong(token.symbol), `  ${token.decimals} decimals, on ${token.chain}`],
    ['contract  ', grouped(token.contract)],
    ['code hash ', faint(token.codeHash)],
  ];
}

function policyLines(policies: readonly PolicyDocument[]): Line[] {
  return policies.flatMap((policy): Line[] => [
    '',
    [faint(`  --- policy ${policy.name} ---`)],
    ...policy.lines.map((line) => `  ${line}`),
  ]);
}

function auditLogLines({ origin, key: { label, token, publicKey } }: AuditLog): Line[] {
  return [[strong(origin)], [`key ${label} in token "${token}"  `, faint(publicKey)]];
}

/** What a freeze is about, as the object of a sentence. */
export function scopeWords(scope: FreezeScope): string {
  return scope.kind === 'everything' ? 'ALL WALLETS' : `the wallet ${scope.walletId}`;
}

type Row = readonly [label: string, ...lines: Line[]];

/** A section: a title once, and items below each other. */
function section(title: string, items: readonly (readonly Line[])[]): Row[] {
  if (items.length === 0) return [[title, 'none']];
  return items.map((lines, index): Row => [index === 0 ? title : '', ...lines]);
}

const GAP: Row = ['', ''];

function changeLines(change: Change, chains: Chains): Line[] {
  switch (change.kind) {
    case 'genesis': {
      const own = new Map(change.chains.map((chain) => [chain.chain, chain]));
      const groups = change.groups.map(({ groupId, members }): Line[] => [
        [strong(groupId), `  ${members.join(', ')}`],
      ]);
      const { group, threshold } = change.quorum;
      return [
        'This is the GENESIS of a deployment: who may do what in it, from the beginning.',
        '',
        ...fields([
          ...section('persons', change.persons.map(personLines)),
          GAP,
          ...section('groups', groups),
          ['governance', `changes need ${threshold} of ${group}`],
          ...(change.safu
            ? [['SAFU', `what touches it needs ${quorumWords(change.safu)} as well`] as const]
            : []),
          ...timelockRows(change.timelock),
          GAP,
          ...section('attestation', [
            [
              [
                strong(change.attestation.label),
                `  in token "${change.attestation.token}": the signer vouches with it`,
              ],
              [faint(compressed(change.attestation.publicKey))],
            ],
          ]),
          GAP,
          ...section('request keys', change.requestKeys.map(requestKeyLines)),
          GAP,
          ...section(
            'chains',
            change.chains.map((chain) => [chainWords(chain.chain, chain)]),
          ),
          GAP,
          ...section(
            'wallets',
            change.wallets.map((wallet) => walletLines(wallet, own)),
          ),
          GAP,
          ...section('tokens', change.tokens.map(tokenLines)),
        ]),
        ...policyLines(change.policies),
      ];
    }
    case 'person-added':
      return [
        `ADDS A PERSON, to the groups: ${change.groups.join(', ') || 'none'}.`,
        '',
        ...fields(section('person', [personLines(change.person)])),
      ];
    case 'person-removed':
      return [`REMOVES the person ${change.personId} from the roster and from every group.`];
    case 'group-set':
      return [`SETS the group ${change.group.groupId} to exactly: ${change.group.members.join(', ')}.`];
    case 'credential-added':
      return [
        `ADDS A CREDENTIAL to the person ${change.personId}: what it signs, this person has signed.`,
        '',
        ...fields(section('credential', [credentialLines(change.credential)])),
      ];
    case 'credential-removed':
      return [`REMOVES the credential ${change.credentialId}: nothing that it signs counts any more.`];
    case 'safu-quorum-set':
      return [`SETS SAFU'S QUORUM: whatever touches SAFU needs ${quorumWords(change.quorum)} as well.`];
    case 'timelock-set':
      return ['SETS THE TIMELOCK.', '', ...fields(timelockRows(change.timelock))];
    case 'whitelist-added':
      return [
        `PUTS AN ADDRESS ON THE WHITELIST as "${change.entry.label}".`,
        '',
        ...fields([
          ['entry', [strong(change.entry.entryId)]],
          ['address', [grouped(change.entry.address)]],
          ['chain', chainWords(change.entry.chain, chains.get(change.entry.chain))],
          ['for wallets', change.entry.tiers.join(', ')],
          ['until', change.entry.endsAtMs === undefined ? 'removed' : instant(change.entry.endsAtMs)],
        ]),
      ];
    case 'whitelist-removed':
      return [`TAKES the entry ${change.entryId} OFF THE WHITELIST.`];
    case 'delegation-added': {
      const { from, to, group, startsAtMs, endsAtMs } = change.delegation;
      return [
        `GIVES ${to} THE PLACE of ${from} in the group ${group}, from ${instant(startsAtMs)} to ${instant(endsAtMs)}.`,
        `${from} does not count for that group meanwhile.`,
      ];
    }
    case 'delegation-removed':
      return [`ENDS the delegation ${change.delegationId}.`];
    case 'freeze-key-added':
      return [
        `ADDS A FREEZE KEY, held by ${change.freezeKey.holder}: it can stop the signer, and nothing else.`,
        '',
        ...fields([['key', [strong(change.freezeKey.keyId), '  ', faint(change.freezeKey.publicKey)]]]),
      ];
    case 'freeze-key-removed':
      return [`REMOVES the freeze key ${change.keyId}.`];
    case 'activated':
      return [`ACTIVATES the entry ${change.entry}, which has waited: it acts from now on.`];
    case 'vetoed':
      return [`VETOES the entry ${change.entry}: it never acts.`, '', ...fields([['because', change.why]])];
    case 'quorum-set':
      return [
        `SETS the quorum of governance: from then on, changes need ${change.quorum.threshold} of ${change.quorum.group}.`,
      ];
    case 'request-key-added':
      return [
        'ADDS A REQUEST KEY: it can ask for transfers.',
        '',
        ...fields(section('key', [requestKeyLines(change.requestKey)])),
      ];
    case 'request-key-removed':
      return [`REMOVES the request key ${change.keyId}: nothing that it signed is acted on any more.`];
    case 'wallet-added':
      return ['ADDS A WALLET.', '', ...fields(section('wallet', [walletLines(change.wallet, chains)]))];
    case 'token-added':
      return [
        'REGISTERS A TOKEN: wallets of its chain can pay it.',
        '',
        ...fields(section('token', [tokenLines(change.token)])),
      ];
    case 'token-removed':
      return [`REMOVES the token ${change.contract} on ${change.chain}: it cannot be paid any more.`];
    case 'policies-set':
      return ['REPLACES ALL POLICIES by exactly these documents.', ...policyLines(change.policies)];
    case 'audit-log-set':
      return [
        'SETS THE AUDIT LOG: the signer signs its checkpoints with this key, and with no other from then on.',
        '',
        ...fields(section('audit log', [auditLogLines(change.auditLog)])),
      ];
    case 'frozen':
      return [
        `FREEZES ${scopeWords(change.scope)}: nothing is signed for it, from the moment the signer has this entry until a quorum thaws it.`,
        '',
        ...fields([['because', change.why]]),
      ];
    case 'thawed':
      return [`THAWS ${scopeWords(change.scope)}: what waits for it is signed again.`];
  }
}

/** Everything that an entry does, and its hash: what is signed, and what is read aloud. */
export function entryLines(body: EntryBody, chains: Chains): Line[] {
  const first = body.change.kind === 'genesis';
  return [
    ...changeLines(body.change, chains),
    '',
    ...fields([
      ['entry', `number ${body.sequence}`],
      ['made', instant(body.createdAtMs)],
      ...(first
        ? []
        : ([
            ['on top of', body.previous],
            ['deployment', body.deploymentId],
          ] as const)),
      [first ? 'deployment id' : 'hash', [strong(grouped(entryHash(body), 8))]],
    ]),
  ];
}

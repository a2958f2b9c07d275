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
  type FactKey,
  type FreezeScope,
  type Person,
  type PolicyDocument,
  type RequestKey,
  type Wallet,
} from '../core/governance/entry.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import { bad, faint, fields, grouped, type Line, type Span, strong } from './lines.js';
import { chainWords, compressed, instant } from './words.js';

type Chains = ReadonlyMap<string, Chain>;

function personLines(person: Person): Line[] {
  return [
    [strong(person.personId), `  ${person.name}`],
    ...person.credentials.map(
      ({ credentialId, credentialClass, publicKey }: Credential): Line => [
        `${credentialId} (${credentialClass}) `,
        faint(compressed(publicKey)),
      ],
    ),
  ];
}

function requestKeyLines(key: RequestKey): Line[] {
  return [
    [strong(key.keyId), `  speaks for ${key.owners.join(', ')}, none of whom can approve what it asks for`],
    [faint(key.publicKey)],
  ];
}

function factKeyLines({ keyId, source, kinds, publicKey }: FactKey): Line[] {
  return [[strong(keyId), `  of ${source}, about: ${kinds.join(', ')}`], [faint(publicKey)]];
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
    case 'fact-key-added':
      return [
        'ADDS A FACT KEY: rules believe what it states about the world.',
        '',
        ...fields(section('key', [factKeyLines(change.factKey)])),
      ];
    case 'fact-key-removed':
      return [`REMOVES the fact key ${change.keyId}: nothing that it stated is believed any more.`];
    case 'fact-rule-set': {
      const { kind, agree, maxAgeMs } = change.rule;
      const sources = agree === 1 ? 'one source has' : `${agree} different sources have`;
      return [
        `SETS what facts of kind ${kind} have to meet: ${sources} to state them, at most ${maxAgeMs / 1_000} seconds ago.`,
      ];
    }
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

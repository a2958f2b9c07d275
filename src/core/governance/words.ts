// What an entry of governance does, in sentences, from the states before and after it: what officers read before they sign.
// It says what became of each part of the state and does not look at the entry, so that nothing can hide in how an entry
// is written. Whoever shows it to somebody who signs replays the log themselves; what a service says of an entry is no
// such words.

import { DEFAULT_FACT_RULE } from '../facts/verify.js';
import { Fault } from '../fault.js';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { bands } from './band-words.js';
import { accepted } from '../fault.js';
import { applyChange } from './change.js';
import { takesCredentials, withoutLastVetoes } from './last-veto.js';
import type {
  Chain,
  Credential,
  FactKey,
  FactRule,
  Person,
  PolicyDocument,
  QuorumRule,
  RequestKey,
  Wallet,
} from './entry.js';
import { freshForMs } from './fresh-head.js';
import { lineDiff, withContext } from './line-diff.js';
import { chainWords, compressed, instantWords, scopeWords, spanWords } from './names.js';
import { change, compared, type Detail, detail, differ, type Said } from './said.js';
import { countWords } from './credential-class.js';
import type { GovernanceState, PendingEntry } from './state.js';
import { warningsOf } from './warnings.js';

export type { Detail, Said };

type State = GovernanceState;
type Before = GovernanceState | undefined;

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nobody' : names.join(', ');
}

function classWords(credential: Credential): string {
  if (credential.credentialClass !== 'passkey') return credential.credentialClass;
  const { rpId, origin, backupEligible } = credential;
  const stays = backupEligible ? 'MAY BE COPIED between devices' : 'stays in one device';
  return `passkey of ${rpId}, used at ${origin}, ${stays}`;
}

function credentialDetails(person: Person): Detail[] {
  return person.credentials.map((credential) =>
    detail(
      'key',
      `${credential.credentialId} (${classWords(credential)})`,
      credential.credentialClass === 'device-display'
        ? credential.publicKey
        : compressed(credential.publicKey),
    ),
  );
}

function persons(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.persons, after.persons);
  return [
    ...added.map(([id, person]) =>
      change(`adds the person ${id}, "${person.name}"`, credentialDetails(person)),
    ),
    ...removed.map(([id, person]) =>
      change(`removes the person ${id}, "${person.name}": no signature of theirs counts any more`),
    ),
    ...changed.map(({ key, was, now }) =>
      change(`changes what the person ${key} is known by`, [
        ...credentialDetails(was)
          .filter((one) => !credentialDetails(now).some((other) => other.text === one.text))
          .map((one) => ({ ...one, label: `no longer ${one.label}` })),
        ...credentialDetails(now)
          .filter((one) => !credentialDetails(was).some((other) => other.text === one.text))
          .map((one) => ({ ...one, label: `from now on ${one.label}` })),
        ...(was.name === now.name ? [] : [detail('text', 'name', now.name)]),
      ]),
    ),
  ];
}

function groups(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.groups, after.groups);
  return [
    ...added.map(([id, members]) => change(`makes the group ${id}: ${listed(members)}`)),
    ...removed.map(([id]) => change(`ends the group ${id}`)),
    ...changed.map(({ key, was, now }) => {
      const come = now.filter((member) => !was.includes(member));
      const gone = was.filter((member) => !now.includes(member));
      const words = [
        ...(come.length > 0 ? [`${come.join(' and ')} in`] : []),
        ...(gone.length > 0 ? [`${gone.join(' and ')} out`] : []),
      ];
      return change(
        `changes the group ${key}: ${words.join(', ') || 'another order'}; it is then ${listed(now)}`,
      );
    }),
  ];
}

function membersOf(state: State, rule: QuorumRule): readonly string[] {
  return state.groups.get(rule.group) ?? [];
}

function ruleWords(state: State, rule: QuorumRule): string {
  const by = rule.with === undefined ? '' : ` (${countWords(rule.with)})`;
  return `${rule.threshold} of the ${membersOf(state, rule).length} in ${rule.group}${by}`;
}

function quorumWords(state: State): string {
  return ruleWords(state, state.quorum);
}

function safu(before: Before, after: State): Said[] {
  const words = (state: State) => state.safu && ruleWords(state, state.safu);
  const now = words(after);
  const was = before && words(before);
  if (now === was || now === undefined) return [];
  const instead = was === undefined ? '' : `, and no longer ${was}`;
  return [change(`whatever touches SAFU needs ${now} beside that${instead}`)];
}

function timelock(before: Before, after: State): Said[] {
  const words = (state: State) => {
    const { whitelistMs, policyMs, veto } = state.timelock;
    const waits = (ms: number) =>
      ms === 0 ? 'acts at once' : `waits ${spanWords(ms)} and is then activated by another person`;
    return {
      whitelist: `a new whitelist entry ${waits(whitelistMs)}`,
      loosening: `whatever else loosens ${waits(policyMs)}`,
      unattended: `what needs no approval is signed only with a governor's word about the log that is no older than ${spanWords(freshForMs(state.timelock))}`,
      veto:
        whitelistMs === 0 && policyMs === 0
          ? ''
          : `${ruleWords(state, veto)} can veto what waits; one of them who did not sign it activates it`,
    };
  };
  const now = words(after);
  const was = before && words(before);
  return (['whitelist', 'loosening', 'unattended', 'veto'] as const).flatMap((part) =>
    now[part] === '' || was?.[part] === now[part] ? [] : [change(now[part])],
  );
}

/** What an entry that waits would do if it acted now; undefined where it could not act any more. */
export function wordsOfWaiting(
  state: GovernanceState,
  { change: waiting, hash, sequence }: PendingEntry,
): readonly Said[] | undefined {
  const acting = takesCredentials(waiting)
    ? accepted(withoutLastVetoes(state, waiting))
    : applyChange(state, waiting, { sequence, hash });
  return acting.kind === 'refused' ? undefined : wordsOfChange(state, acting.value);
}

function wordsOfPending(state: State, entry: PendingEntry): Detail[] {
  const words = wordsOfWaiting(state, entry);
  if (!words) return [detail('text', 'as it is now', 'it could not act any more')];
  return words.flatMap(({ says, details }) => [detail('text', 'would', says), ...details]);
}

function pending(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.pending, after.pending);
  return [
    ...added.map(([, entry]) =>
      change(
        `lets the entry ${entry.sequence} wait, ${spanWords(entry.delayMs)} of the time that the signer counts from when it has it (not before ${instantWords(entry.createdAtMs + entry.delayMs)}); nothing of what follows holds until another person activates it`,
        [detail('key', 'entry', entry.hash), ...wordsOfPending(after, entry)],
      ),
    ),
    ...removed.map(([hash, entry]) =>
      change(`ends the wait of the entry ${entry.sequence}`, [detail('key', 'entry', hash)]),
    ),
  ];
}

function lastVetoes(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.lastVetoes, after.lastVetoes);
  const byPerson = (found: typeof added) => Map.groupBy(found, ([, { personId }]) => personId);
  const keys = (found: typeof added) => listed(found.map(([credentialId]) => credentialId));
  return [
    ...[...byPerson(added)].map(([personId, found]) =>
      change(
        `${personId} can veto what waits all the same, and do nothing else, with ${keys(found)}, until that is ended as well`,
      ),
    ),
    ...[...byPerson(removed)].map(([personId, found]) =>
      change(`${personId} vetoes nothing any more with ${keys(found)}`),
    ),
  ];
}

function whitelist(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.whitelist, after.whitelist);
  const until = (endsAtMs: number | undefined) =>
    endsAtMs === undefined ? '' : `, until ${instantWords(endsAtMs)}`;
  return [
    ...added.map(([id, { label, chain, address, tiers, endsAtMs }]) =>
      change(
        `puts an address on the whitelist as "${label}" (${id}), for ${tiers.join(' and ')} wallets on ${chainWords(chain, after.chains.get(chain))}${until(endsAtMs)}`,
        [detail('address', label, address)],
      ),
    ),
    ...removed.map(([id, { label, address }]) =>
      change(`takes "${label}" (${id}) off the whitelist`, [detail('address', label, address)]),
    ),
  ];
}

function delegations(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.delegations, after.delegations);
  return [
    ...added.map(([, { from, to, group, startsAtMs, endsAtMs }]) =>
      change(
        `gives ${to} the place of ${from} in ${group} from ${instantWords(startsAtMs)} to ${instantWords(endsAtMs)}; ${from} does not count there meanwhile, and ${to} not for governance`,
      ),
    ),
    ...removed.map(([, { from, to, group }]) =>
      change(`takes the place of ${from} in ${group} back from ${to}`),
    ),
  ];
}

function freezeKeys(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.freezeKeys, after.freezeKeys);
  return [
    ...added.map(([id, { holder, publicKey }]) =>
      change(`adds the freeze key ${id}, held by ${holder}: it can stop the signer and nothing else`, [
        detail('key', 'Ed25519 key', publicKey),
      ]),
    ),
    ...removed.map(([id]) => change(`removes the freeze key ${id}`)),
  ];
}

function quorum(before: Before, after: State): Said[] {
  if (before && quorumWords(before) === quorumWords(after)) return [];
  const was = before ? `, and no longer ${quorumWords(before)}` : '';
  return [change(`changes of governance need ${quorumWords(after)} from then on${was}`)];
}

function requestKeyDetails({ publicKey }: RequestKey): Detail[] {
  return [detail('key', 'Ed25519 key', publicKey)];
}

function requestKeys(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.requestKeys, after.requestKeys);
  const speaks = ({ owners }: RequestKey) =>
    `it asks for transfers on behalf of ${listed(owners)}, none of whom can approve them`;
  return [
    ...added.map(([id, key]) => change(`adds the request key ${id}: ${speaks(key)}`, requestKeyDetails(key))),
    ...removed.map(([id]) =>
      change(`removes the request key ${id}: nothing that it signed is acted on any more`),
    ),
    ...changed.map(({ key, now }) =>
      change(`changes the request key ${key}: ${speaks(now)}`, requestKeyDetails(now)),
    ),
  ];
}

function factKeys(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.factKeys, after.factKeys);
  const said = (verb: string, { keyId, source, kinds, publicKey }: FactKey) =>
    change(
      `${verb} the fact key ${keyId} of ${source}: rules believe what it states about ${kinds.join(', ')}`,
      [detail('key', 'Ed25519 key', publicKey)],
    );
  return [
    ...added.map(([, key]) => said('adds', key)),
    ...removed.map(([id]) =>
      change(`removes the fact key ${id}: nothing that it stated is believed any more`),
    ),
    ...changed.map(({ now }) => said('changes', now)),
  ];
}

function factRuleWords({ agree, maxAgeMs }: Omit<FactRule, 'kind'>): string {
  const sources = agree === 1 ? 'one source' : `${agree} different sources`;
  return `stated by ${sources}, at most ${maxAgeMs / 1_000} seconds ago`;
}

function factRules(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.factRules, after.factRules);
  const said = (kind: string, now: Omit<FactRule, 'kind'>, was: Omit<FactRule, 'kind'>) =>
    change(
      `facts of kind ${kind} count from then on when ${factRuleWords(now)}; before, when ${factRuleWords(was)}`,
    );
  return [
    ...added.map(([kind, rule]) => said(kind, rule, DEFAULT_FACT_RULE)),
    ...removed.map(([kind, rule]) => said(kind, DEFAULT_FACT_RULE, rule)),
    ...changed.map(({ key, was, now }) => said(key, now, was)),
  ];
}

function chains(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.chains, after.chains);
  const words = (chain: Chain) => `${chainWords(chain.chain, chain)}, coin ${chain.coin.symbol}`;
  return [
    ...added.map(([, chain]) => change(`registers the chain ${words(chain)}`)),
    ...removed.map(([, chain]) => change(`removes the chain ${words(chain)}`)),
    ...changed.map(({ now }) => change(`changes the chain ${words(now)}`)),
  ];
}

/** A key that is no point has no address; what replays has none of those. */
function addressOf(publicKey: string, chain: Chain | undefined): string {
  if (chain === undefined) return 'NO ADDRESS: its chain is not registered';
  try {
    return chain.family === 'bitcoin'
      ? p2wpkhAddress(publicKey, chain.network)
      : addressOfPublicKey(publicKey);
  } catch (error) {
    if (error instanceof Fault && error.code === 'public-key-malformed') return 'NOT A PUBLIC KEY';
    throw error;
  }
}

function wallets(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.wallets, after.wallets);
  const said = (verb: string, wallet: Wallet) => {
    const chain = after.chains.get(wallet.chain);
    return change(
      `${verb} the ${wallet.tier} wallet ${wallet.walletId} on ${chainWords(wallet.chain, chain)}, keys in token "${wallet.token}"`,
      wallet.keys.map(({ label, publicKey }) => detail('address', label, addressOf(publicKey, chain))),
    );
  };
  return [
    ...added.map(([, wallet]) => said('adds', wallet)),
    ...removed.map(([id]) => change(`removes the wallet ${id}: nothing is signed for it any more`)),
    ...changed.map(({ now }) => said('changes', now)),
  ];
}

function tokens(before: Before, after: State): Said[] {
  const { added, removed, changed } = compared(before?.tokens, after.tokens);
  const said = (
    verb: string,
    { symbol, decimals, chain, contract, codeHash, storage = [] }: (typeof added)[number][1],
  ) =>
    change(`${verb} the token ${symbol}, ${decimals} decimals, on ${chainWords(chain, undefined)}`, [
      detail('address', 'contract', contract),
      detail('key', 'code hash', codeHash),
      ...storage.flatMap(({ slot, value }) => [
        detail('key', 'storage at', slot),
        detail('key', 'stays', value),
      ]),
    ]);
  return [
    ...added.map(([, token]) => said('registers', token)),
    ...removed.map(([, token]) => said('removes, so that nobody is paid in it any more,', token)),
    ...changed.map(({ now }) => said('changes', now)),
  ];
}

const CONTEXT_LINES = 2;

function policies(before: Before, after: State): Said[] {
  const byName = (documents: readonly PolicyDocument[]) =>
    new Map(documents.map((document) => [document.name, document.lines]));
  const { added, removed, changed } = compared(before && byName(before.policies), byName(after.policies));
  const whole = (form: Detail['form'], lines: readonly string[]) =>
    lines.map((text) => detail(form, '', text));
  const order = (documents: readonly PolicyDocument[]) => documents.map(({ name }) => name).join(', ');
  const isReordered = before && order(before.policies) !== order(after.policies);
  return [
    ...added.map(([name, lines]) => change(`adds the policy ${name}`, whole('added', lines))),
    ...removed.map(([name, lines]) => change(`removes the policy ${name}`, whole('removed', lines))),
    ...changed.map(({ key, was, now }) =>
      change(
        `changes the policy ${key}`,
        withContext(lineDiff(was, now), CONTEXT_LINES).map(({ form, text }) => detail(form, '', text)),
      ),
    ),
    ...(isReordered ? [change(`policies are then read in this order: ${order(after.policies)}`)] : []),
  ];
}

function retired(before: Before, after: State): Said[] {
  return compared(before?.retired, after.retired).added.map(([, { walletId, successor }]) =>
    change(
      `retires the wallet ${walletId} for good: it pays nobody any more but the wallet ${successor}, and nobody pays it`,
    ),
  );
}

function attestation(before: Before, { attestation: { label, token, publicKey } }: State): Said[] {
  if (before && !differ(before.attestation.publicKey, publicKey)) return [];
  const now = before ? ' from then on' : '';
  const was = before ? `, and no longer with ${before.attestation.label}` : '';
  return [
    change(
      `the signer vouches for what it wrote down${now} with the key ${label} in token "${token}"${was}`,
      [detail('key', label, compressed(publicKey))],
    ),
  ];
}

function auditLog(before: Before, { auditLog: now }: State): Said[] {
  if (!now || (before?.auditLog && !differ(before.auditLog, now))) return [];
  const { label, token, publicKey } = now.key;
  const was = before?.auditLog;
  const isSame = was?.origin === now.origin;
  const verb = isSame ? 'gives another key to the audit log' : 'names the audit log';
  return [
    ...(was && !isSame
      ? [change(`closes the audit log ${was.origin} for good: no checkpoint of it is signed any more`)]
      : []),
    change(`${verb} ${now.origin}: its checkpoints are signed by the key ${label} in token "${token}"`, [
      detail('key', label, publicKey),
    ]),
  ];
}

function frozen(before: Before, after: State): Said[] {
  const { added, removed } = compared(before?.frozen, after.frozen);
  return [
    ...added.map(([, { scope, why }]) =>
      change(
        `freezes ${scopeWords(scope)}: nothing is signed for it, from the moment the signer has this entry until a quorum thaws it`,
        [detail('text', 'because', why)],
      ),
    ),
    ...removed.map(([, { scope }]) =>
      change(`thaws ${scopeWords(scope)}: what waits for it is signed again`),
    ),
  ];
}

function timeSet(before: Before, { timeSet: now }: State): Said[] {
  if (!now || now.sequence === before?.timeSet?.sequence) return [];
  return [
    change(
      `says that it is ${instantWords(now.timeMs)} now: a signer whose host says the same trusts that clock again`,
    ),
  ];
}

/** Each part of the state: what is said of it, or that other parts say it. Who adds a part is asked for its words here. */
const PARTS: Readonly<Record<keyof State, ((before: Before, after: State) => Said[]) | 'said elsewhere'>> = {
  persons,
  groups,
  quorum,
  safu,
  timelock,
  pending,
  lastVetoes,
  whitelist,
  delegations,
  freezeKeys,
  timeSet,
  attestation,
  auditLog,
  requestKeys,
  factKeys,
  factRules,
  chains,
  wallets,
  retired,
  tokens,
  bands,
  policies,
  frozen,
  policyHash: 'said elsewhere',
  policiesSince: 'said elsewhere',
  everRequestKeys: 'said elsewhere',
  everRegistered: 'said elsewhere',
  attestations: 'said elsewhere',
  auditLogs: 'said elsewhere',
  deploymentId: 'said elsewhere',
  sequence: 'said elsewhere',
  head: 'said elsewhere',
  history: 'said elsewhere',
};

/**
 * All that an entry changes, and what follows from it; for genesis, before which there is nothing, all that it says. The
 * states are those of somebody's own replay. Empty where the entry changes nothing.
 */
export function wordsOfChange(before: GovernanceState | undefined, after: GovernanceState): readonly Said[] {
  const parts = Object.values(PARTS).flatMap((part) =>
    part === 'said elsewhere' ? [] : part(before, after),
  );
  return [...parts, ...warningsOf(before, after)];
}

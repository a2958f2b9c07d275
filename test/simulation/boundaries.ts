// Where a process can die with something done and something not yet done: before and after every commit of each kind of call,
// every act of the token, every message, and between an entry of the signer's journal and the token's record of it. A run
// may have one of them for its target; the seeds' own tests see to it that each was died at, and that there is no other.

const CALLS = [
  'approve',
  'cancel',
  'govern after governance-append',
  'refresh',
  'resolve',
  'scan',
  'step',
  'step after eth_sendRawTransaction',
  'step after sendrawtransaction',
  'step after sign',
  'submit',
  'void after void',
] as const;
const CALLS_OF_BURIALS = ['bury', 'bury after bury', 'outbid'] as const;
const CALLS_OF_RESTORES = ['refresh-wallet', 'restore-facts'] as const;
const VERBS = ['governance-append', 'governance-read', 'sign', 'status', 'void'] as const;
const ENTRIES = ['governance', 'reserved', 'signed', 'voided'] as const;
const TOKEN = ['after token sign', 'after token write', 'before token sign', 'before token write'] as const;
const TOKEN_READS = ['token describe', 'token read', 'token status'] as const;
const OF_RESTORES = ['after token write', 'before token write', 'token read'] as const;

function commits(calls: readonly string[]): string[] {
  return calls.flatMap((call) => [
    `orchestrator before a database commit: ${call}`,
    `orchestrator after a database commit: ${call}`,
  ]);
}

function messages(verbs: readonly string[]): string[] {
  return verbs.flatMap((verb) => [
    `signer before a message is judged: ${verb}`,
    `signer before an answer leaves: ${verb}`,
  ]);
}

function entries(kinds: readonly string[]): string[] {
  return kinds.map((kind) => `signer between an entry and the record: ${kind}`);
}

/** Come past in every run. */
const COMMON: readonly string[] = [
  ...commits(CALLS),
  ...messages(VERBS),
  ...entries(ENTRIES),
  ...[...TOKEN, ...TOKEN_READS].map((where) => `signer ${where}`),
  'orchestrator before a database read',
  'orchestrator before a node is asked',
  'orchestrator after a node has answered',
  'orchestrator before the signer is reached',
];

/** Come past in runs of their own. */
export const SCENES = {
  burial: [...commits(CALLS_OF_BURIALS), ...messages(['bury']), ...entries(['buried'])],
  restore: [...commits(CALLS_OF_RESTORES), ...OF_RESTORES.map((where) => `signer ${where}, in a restore`)],
} as const;

export const BOUNDARIES: readonly string[] = [...COMMON, ...SCENES.burial, ...SCENES.restore];

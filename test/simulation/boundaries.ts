// Where a process can die with something done and something not yet done: before and after every commit of each kind of call,
// every act of the token, every message, and between an entry of the signer's journal and the token's record of it. A run
// may have one of them for its target; the seeds' own tests see to it that each was died at, and that there is no other.

const CALLS = [
  'approve',
  'cancel',
  'govern after governance-append',
  'refresh',
  'step after eth_sendRawTransaction',
  'step after sendrawtransaction',
  'step after sign',
  'submit',
  'void after void',
  'vouch',
] as const;
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

/** Come past in every run, and died at often enough. */
const FREQUENT: readonly string[] = [
  ...commits(['scan', 'step']),
  ...messages(['governance-read', 'sign', 'status']),
  ...entries(['reserved', 'signed']),
  ...[...TOKEN, ...TOKEN_READS].map((where) => `signer ${where}`),
  'orchestrator before a database read',
  'orchestrator before a node is asked',
  'orchestrator after a node has answered',
  'orchestrator before the signer is reached',
];

export type Scene = 'none' | 'restore' | 'burial';

/** What runs may have for a target, by what they are to see. */
export const TARGETS: Readonly<Record<Scene, readonly string[]>> = {
  none: [...commits(CALLS), ...messages(['governance-append', 'void']), ...entries(['governance', 'voided'])],
  burial: [...commits(['bury', 'bury after bury', 'outbid']), ...messages(['bury']), ...entries(['buried'])],
  restore: [
    ...commits(['refresh-wallet', 'resolve', 'restore-facts']),
    ...OF_RESTORES.map((where) => `signer ${where}, in a restore`),
  ],
};

export const BOUNDARIES: readonly string[] = [
  ...FREQUENT,
  ...TARGETS.none,
  ...TARGETS.burial,
  ...TARGETS.restore,
];

/** In which runs a boundary is come past. */
export function sceneOf(boundary: string): Scene {
  if (TARGETS.burial.includes(boundary)) return 'burial';
  return TARGETS.restore.includes(boundary) ? 'restore' : 'none';
}

// What a CPU profile of the signer says by stage. A sample counts for the innermost function that begins a stage; the
// functions are named here, so that nothing in the signer has to know of it. What is under none of them is `other`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Functions, as the profiler names them, that begin a stage; each with the end of its file's path. */
export const SIGNER_STAGES: Readonly<Record<string, readonly (readonly [file: string, name: string])[]>> = {
  'parse-message': [
    ['signer/conversation.js', 'parseQuery'],
    ['signer-protocol/frame.js', 'push'],
  ],
  'decode-bytes': [['authorization/decode-order.js', 'decodeOrder']],
  'verify-ahead': [
    ['platform/signature-arithmetic.js', 'verifies'],
    ['platform/native-verifier.js', 'verifies'],
  ],
  'arithmetic-messages': [
    ['platform/arithmetic-thread.js', 'ask'],
    ['platform/arithmetic-thread.js', 'flush'],
    ['platform/arithmetic-thread.js', 'settle'],
    ['node:internal/worker/io', 'postMessage'],
  ],
  'verify-requests': [['authorization/authorize.js', 'verifyRequests']],
  'verify-approvals': [['authorization/approvals.js', 'verifyApprovals']],
  'match-and-policy': [['authorization/authorize.js', 'authorize']],
  reserve: [['signer/signer.js', 'reserve']],
  'token-messages': [
    ['pkcs11/token-client.js', 'signDigest'],
    ['pkcs11/token-client.js', '#flush'],
    ['pkcs11/token-client.js', '#receive'],
    ['pkcs11/token-client.js', '#settle'],
    ['node:internal/child_process', 'channel.onread'],
    ['node:internal/child_process/serialization', 'readChannelMessage'],
  ],
  anchor: [
    ['signer/anchor.js', 'cover'],
    ['signer/anchor.js', 'write'],
    ['signer/anchor.js', 'ownRecord'],
    ['signer/anchor.js', 'readAnchor'],
  ],
  'verify-signatures': [
    ['intents/ecdsa.js', 'verifyDigest'],
    ['intents/ecdsa.js', 'recoveryIdOf'],
    ['platform/native-secp256k1.js', 'verify'],
  ],
  assemble: [
    ['signer/signing.js', 'signTransaction'],
    ['signer/signing.js', 'signOne'],
  ],
  record: [
    ['signer/store.js', 'append'],
    ['signer/signer.js', 'signAndRecord'],
  ],
  answer: [
    ['signer/signer.js', 'recorded'],
    ['signer/conversation.js', 'frameOf'],
    ['signer/conversation.js', 'send'],
  ],
  'garbage-collection': [['', '(garbage collector)']],
};

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export const OTHER = 'other';

/** CPU milliseconds by stage of the profiles in a folder, one for each thread; time in which nothing ran is left out. */
export function stagesOf(folder: string, stages = SIGNER_STAGES): Map<string, number> {
  const names = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'));
  if (names.length === 0) throw new Error(`no CPU profile in ${folder}`);
  const spent = new Map<string, number>();
  for (const name of names) {
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile;
    const stageOf = stageByNode(profile, stages);
    for (const [index, id] of profile.samples.entries()) {
      const stage = stageOf.get(id);
      if (stage === undefined) continue;
      spent.set(stage, (spent.get(stage) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000);
    }
  }
  return spent;
}

/** Idle nodes have none. */
function stageByNode(profile: Profile, stages: typeof SIGNER_STAGES): Map<number, string> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const found = new Map<number, string>();
  const open: [number, string][] = profile.nodes.slice(0, 1).map(({ id }) => [id, OTHER]);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [id, outer] = next;
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    const own = beginning(node, stages) ?? outer;
    found.set(id, own);
    for (const child of node.children ?? []) open.push([child, own]);
  }
  return found;
}

function beginning({ callFrame }: ProfileNode, stages: typeof SIGNER_STAGES): string | undefined {
  const { functionName, url } = callFrame;
  for (const [stage, functions] of Object.entries(stages)) {
    if (functions.some(([file, name]) => functionName === name && url.endsWith(file))) return stage;
  }
  return undefined;
}

// The program that a token's own process runs: it loads the vendor's library, logs in, and does what its parent asks
// over IPC. Started by token-client.ts with fork(); it is no command for people and takes no arguments.
//
// It has no deadline of its own. When its parent is gone it ends at once: between two calls into the library, since
// those that block also block the event loop that would notice.

import { asTokenFault } from './cryptoki-errors.js';
import { Pkcs11Token } from './token.js';
import {
  type Answer,
  type FromChild,
  LARGEST_BATCH,
  type Operation,
  type OperationResult,
  toChildSchema,
} from './token-messages.js';

const EXIT_BAD_MESSAGE = 70;
const EXIT_NO_PARENT = 64;

/** Answers wait for others no longer than this; not at all where signatures come one after the other. */
const LONGEST_WAIT_MS = 2;

let token: Pkcs11Token | undefined;
let hasOneSession = false;
let answers: Answer[] = [];
/** Calls that have no answer yet. */
let underWay = 0;
let soon: NodeJS.Immediate | undefined;
let later: NodeJS.Timeout | undefined;

/**
 * A message costs more than an answer: they go together, once as many are ready as calls are still under way. With one
 * session they have been together already.
 */
function answer(given: Answer): void {
  underWay -= 1;
  answers.push(given);
  if (hasOneSession || answers.length >= underWay) soon ??= setImmediate(flush);
  else later ??= setTimeout(flush, LONGEST_WAIT_MS);
}

function flush(): void {
  clearImmediate(soon);
  clearTimeout(later);
  soon = undefined;
  later = undefined;
  for (const batch = answers; batch.length > 0; ) {
    tell({ kind: 'answers', answers: batch.splice(0, LARGEST_BATCH) });
  }
  answers = [];
}

function tell(message: FromChild): void {
  process.send?.(message);
}

async function perform(signer: Pkcs11Token, operation: Operation): Promise<OperationResult<Operation['op']>> {
  switch (operation.op) {
    case 'status':
      return await signer.status();
    case 'describeKey':
      return await signer.describeKey(operation.key);
    case 'generateKey':
      return await signer.generateKey(operation.label, operation.curve);
    case 'signDigests':
      return await signer.signDigests(operation.key, operation.digests);
    case 'signMessage':
      return await signer.signMessage(operation.key, operation.message);
    case 'readRecord':
      return await signer.readRecord(operation.name);
    case 'writeRecord':
      await signer.writeRecord(operation.name, operation.record, operation.replaces);
      return undefined;
  }
}

async function serve(signer: Pkcs11Token, id: number, operation: Operation): Promise<void> {
  try {
    answer({ kind: 'done', id, value: await perform(signer, operation) });
  } catch (error) {
    // Code, text and facts cross; the cause stays here, it may quote anything.
    const { code, message, facts } = asTokenFault(error, operation.op);
    answer({ kind: 'fault', id, code, message, facts });
  }
}

function receive(message: unknown): void {
  const parsed = toChildSchema.safeParse(message);
  if (!parsed.success) process.exit(EXIT_BAD_MESSAGE);
  const request = parsed.data;
  switch (request.kind) {
    case 'settings':
      if (token !== undefined) process.exit(EXIT_BAD_MESSAGE);
      // With one session there is nothing else to do meanwhile, and another thread would cost time for each signature.
      hasOneSession = request.settings.sessions === 1;
      token = new Pkcs11Token({ ...request.settings, signInThisThread: hasOneSession });
      tell({ kind: 'ready' });
      return;
    case 'calls': {
      const signer = token;
      if (signer === undefined) process.exit(EXIT_BAD_MESSAGE);
      underWay += request.calls.length;
      for (const { id, operation } of request.calls) void serve(signer, id, operation);
      return;
    }
    case 'close':
      void shutDown();
      return;
  }
}

async function shutDown(): Promise<void> {
  await token?.close();
  // After the last answers, and only once the parent has been told.
  setImmediate(() => {
    flush();
    process.send?.({ kind: 'closed' } satisfies FromChild, undefined, {}, () => process.exit(0));
  });
}

function leaveToParent(): void {
  // A terminal and a service manager signal the whole group. The parent then closes its tokens in order.
}

if (process.send === undefined) {
  process.stderr.write('This program is started by its parent process and talks to it alone.\n');
  process.exit(EXIT_NO_PARENT);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, leaveToParent);
process.on('message', receive);
// SIGKILL to itself: a plain exit would wait for a worker thread that hangs inside the library.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

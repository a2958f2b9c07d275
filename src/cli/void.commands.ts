// `portcullis void` and `verify-void`: the signer's word that a request was never signed and never will be. What comes back
// is verified against the attestation key of the governance log before it is kept: the API's word is not enough.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { replayGenesis } from '../core/governance/replay.js';
import type { GovernanceState } from '../core/governance/state.js';
import { type AttestedVoid, verifyVoid } from '../core/recovery/void.js';
import { type SignedRequest, signedRequest } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import { requestVoid, transferIdFor } from '../sdk/backend.js';
import { readRequest } from '../sdk/ways-out.js';
import { asBackend, asOfficer } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { readEntry } from './entry-file.js';
import { cliFault, EXIT } from './exit.js';
import { jsonText, readJson, writeNew } from './files.js';
import { knownGovernance, needPinned, readLog, replayed } from './governance-log.js';
import { faint, fields, good, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { transferIdFrom } from './transfer.commands.js';
import { bothUnits, instant } from './words.js';

/** A signed request as a backend stores it, or the answer of `portcullis request --json`. */
const requestFile = z.union([
  signedRequest,
  z.looseObject({ request: signedRequest }).transform(({ request }) => request),
]);

/** Faults `file-unreadable`, `file-malformed`. */
export function readRequestFile(path: string): SignedRequest {
  return readJson(path, requestFile, 'a signed request');
}

const options = z.object({
  request: z.string().min(1).exactOptional(),
  out: z.string().min(1),
  ...officerShape,
  ...pinShape,
});

/** The request itself: from a file, or from the API, where it has to be the one that the transfer's id follows from. */
async function requestFor(
  { options: { request: file } }: Given<z.infer<typeof options>>,
  api: Api,
  transferId: string | undefined,
): Promise<Outcome<SignedRequest>> {
  const found =
    file === undefined ? await readRequest(api, transferId ?? '') : accepted(readRequestFile(file));
  if (found.kind === 'refused' || transferId === undefined) return found;
  const belongs = transferIdFor(found.value.statement);
  if (belongs === transferId) return found;
  throw cliFault('attestation-mismatch', 'this is the request of another transfer', {
    asked: transferId,
    found: belongs,
  });
}

function voidLines({ statement }: AttestedVoid, { statement: request }: SignedRequest): Line[] {
  return fields([
    ['request', [strong(request.requestId), faint(`  transfer ${statement.transferId}`)]],
    ['would have paid', bothUnits(request.amount, request.asset)],
    ['for customer', request.customer],
    ['void since', instant(statement.voidedAtMs)],
    [
      'because',
      statement.basis === 'never-signed'
        ? 'it was never signed, and never will be'
        : 'it was signed, a quorum says that it cannot be mined any more, and it is never signed again',
    ],
    ['journal', `entry ${statement.journalSequence}, ${statement.journalHash}`],
  ]);
}

async function voidWith(
  given: Given<z.infer<typeof options>>,
  api: Api,
  isBackend: boolean,
  transferId: string | undefined,
): Promise<Outcome<Answer>> {
  const { state } = needPinned(await knownGovernance(given, isBackend ? undefined : api));
  const request = await requestFor(given, api, transferId);
  if (request.kind === 'refused') return request;
  const authority = { deploymentId: state.deploymentId, attestationKey: state.attestation.publicKey };
  const answer = await requestVoid(api, request.value, authority, nativeVerifier);
  if (answer.kind === 'refused') {
    if (!answer.code.startsWith('void-')) return answer;
    throw cliFault(
      'attestation-mismatch',
      `what came back is no void of this request: ${answer.code}`,
      answer.facts,
    );
  }
  writeNew(given.options.out, jsonText(answer.value));
  return accepted({
    json: { file: given.options.out, transferId: answer.value.statement.transferId, void: answer.value },
    lines: [
      [good('Void.'), ` The signer vouches for it; its word is in ${given.options.out}. Keep it.`],
      '',
      ...voidLines(answer.value, request.value),
      '',
      '  Only now may the same customer be paid by a new request, and only by one.',
    ],
  });
}

/** As the backend whose key is configured, unless a credential is named; else as an officer. */
async function makeVoid(
  given: Given<z.infer<typeof options>>,
  id: string | undefined,
): Promise<Outcome<Answer>> {
  if ((id === undefined) === (given.options.request === undefined)) {
    throw cliFault('arguments-invalid', 'name the transfer, or its request with --request FILE');
  }
  const transferId = id === undefined ? undefined : transferIdFrom(id);
  if (given.config.requestKey !== undefined && given.options.credential === undefined) {
    return voidWith(given, asBackend(given).api, true, transferId);
  }
  return asOfficer(given, ({ api }) => voidWith(given, api, false, transferId));
}

const verifyOptions = z.object({
  request: z.string().min(1),
  genesis: z.string().min(1).exactOptional(),
  ...pinShape,
});

/** The attestation key is in genesis: a file that the person trusts, or the log of a deployment that they have named. */
function authorityState({ options: given, config }: Given<z.infer<typeof verifyOptions>>): GovernanceState {
  if (given.genesis !== undefined) {
    const genesis = replayGenesis(readEntry(given.genesis), nativeVerifier);
    if (genesis.kind === 'accepted') return genesis.value;
    throw cliFault('governance-mismatch', `the genesis does not hold: ${genesis.code}`, genesis.facts);
  }
  const log = given.log ?? config.log;
  if (log === undefined) {
    throw cliFault('setting-missing', 'say --genesis FILE, or --log FILE with --deployment ID', {
      setting: 'log',
    });
  }
  return needPinned(replayed(readLog(log), given.deployment ?? config.deployment)).state;
}

/** Exported for its test. */
export function voidVerdict(input: unknown, request: SignedRequest, state: GovernanceState): Outcome<Answer> {
  const authority = { deploymentId: state.deploymentId, attestationKey: state.attestation.publicKey };
  const verified = verifyVoid(input, request.statement, authority, nativeVerifier);
  if (verified.kind === 'refused') {
    if (verified.code !== 'void-other-deployment') return verified;
    throw cliFault('governance-mismatch', 'the void is of another deployment', verified.facts);
  }
  return accepted({
    json: { valid: true, ...verified.value.statement },
    lines: [
      [good('✓'), " The signer's void of this very request."],
      '',
      ...voidLines(verified.value, request),
    ],
    exit: EXIT.ok,
  });
}

export function voidCommands(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'void [transfer]',
      summary: 'have the signer end a request for good, and keep its word',
      description:
        "Asks for the signer's attested void of a request: proof that it was never signed and never will be, which is what a backend must hold before it pays the same customer by a new request. It is verified against the attestation key of the governance log, and written to a file only if it holds. Refused once anything was signed (transfer-signed). With the request in a file it also works for one that this orchestrator never stored.",
      example: 'void --request payout-417.json --out payout-417.void.json --config exchange.yaml',
    },
    [
      ['--request <file>', 'the signed request, as it was handed in; instead of the transfer'],
      ['--out <file>', 'where to write the void; must not exist'],
      ...pinFlags,
      ...officerFlags,
    ],
    options,
    (given, id) => makeVoid(given, id),
  );

  cli.add(
    cli.program,
    {
      usage: 'verify-void <file>',
      summary: "check the signer's void of a request offline",
      description:
        "Checks with nothing running that the file is the signer's void of the very request in --request. Exit code 0: it is; 1: it is not; 4: it is of another deployment, or the log does not fit.",
      example: 'verify-void payout-417.void.json --request payout-417.json --genesis genesis.json',
    },
    [
      ['--request <file>', 'the signed request that it should be about'],
      ['--genesis <file>', 'the genesis entry that you trust; instead of --log and --deployment'],
      ...pinFlags,
    ],
    verifyOptions,
    async (given, file = '') =>
      voidVerdict(
        readJson(file, z.unknown(), 'a void'),
        readRequestFile(given.options.request),
        authorityState(given),
      ),
  );
}

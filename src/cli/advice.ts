// What to do about a code: one sentence each, for the codes that a person at the command line can do something about.
// The API sends a sentence of its own with its refusals; these here go before it where the command line knows better.

const ADVICE: Readonly<Record<string, string>> = {
  'arguments-invalid': 'See --help of the command.',
  'setting-missing': 'docs/cli.md describes the configuration file.',
  'file-open-to-others':
    'It decides what is loaded and what is trusted, or holds a key: nobody else may write it, or read a key.',
  'signer-unreachable':
    "Is the signer running on this host, and are you a member of the group of its socket's folder?",
  'api-unreachable': 'Is the orchestrator running, and is "api" in the configuration right?',
  'api-unavailable': 'The orchestrator answers, but something behind it does not. Try again; see its log.',
  'api-answer-malformed': 'This is not the API that this program knows. Compare the versions of both.',
  'token-gone': 'Is the token plugged in, and are module path and token label right?',
  'login-failed':
    'The PIN was refused or could not be had. It is not tried again: tokens lock themselves after a few wrong ones.',
  'key-missing': 'The token has no key with this label: `portcullis keys list` shows those that it has.',
  'key-duplicate': 'Labels are used once on a token: choose another, or use the key that is there.',
  'key-mismatch': 'The key here is not the one that the roster has for this credential. Nothing was signed.',
  'device-refused':
    'Nothing was signed. If the device showed something else than this screen, tell the others by another channel.',
  'device-locked': 'Enter its PIN, open the Ethereum app, and run the command again.',
  'device-other-app': 'Open the Ethereum app on the device, 1.22.0 or later, and run the command again.',
  'device-gone': 'Is it plugged in and unlocked, and does no other program use it? Run the command again.',
  'device-deadline': 'What you agree to on the device now has no effect. Run the command again.',
  'device-text-too-long':
    'A device cannot show all of it. Sign it with your token (--sign-with token), if the quorum allows that, or make smaller changes.',
  'device-library-missing':
    'Run `npm ci` in that folder; on Linux it needs the package libusb-1.0-0 as well.',
  'device-answer-malformed':
    'That is no answer of the Ethereum app. Nothing was signed. Do not use this device or cable before somebody has looked.',
  'governance-mismatch':
    'The governance log is not that of the deployment that you trust. Do nothing; tell the other officers by another channel.',
  'statement-mismatch':
    'What you were asked to sign is not what was requested. Nothing was signed. Tell the other officers by another channel.',
  'node-unreachable': 'Is your node running, and are its address and its password file right?',
  'node-mismatch':
    'Your own node sees another chain than the statement. Nothing was signed. Compare with the other officers by another channel before anybody signs.',
  'attestation-mismatch':
    "This is not the signer's void of your request. Pay nobody anew; tell the officers by another channel.",
  'transfer-signed': 'What was signed can still pay it. `portcullis resolve` shows which ways lead on.',
  'request-before-restore':
    'The signer began again after a lost store and does not know this request. docs/restore.md says when it may be paid anew.',
  'burial-not-possible':
    'Nothing of this signer lies deep enough in the chain in its place. `portcullis resolve` says what is missing.',
  'burial-governance-moved':
    'Governance has a newer entry than the statement. Draw it up again, and have the new one signed.',
  'restore-facts-missing':
    'The orchestrator cannot say what the chain holds for this wallet. Mend its node, or make the facts from nodes of your own (--facts).',
  'restore-governance-mismatch':
    'The statement is not on top of the newest governance log that is known here. Find out who has the newest one before anybody signs.',
  'restore-governance-behind':
    "The log is not that of the lost store: it lacks the entry that the token remembers. Get the log from every officer's own copy, and find out who cut this one.",
  'restore-other-record':
    'The statement is about another record than the token has: it was used already, or the wrong host was asked.',
  'restore-expired': 'Draw it up again, and have the new one signed.',
  'governance-quorum-missing': 'More officers have to sign the same file.',
  'governance-timelock':
    'It counts only time in which the signer runs. `portcullis governance pending` says how much is left.',
  'governance-activator-proposed':
    'Whoever signed an entry does not activate it: somebody else who may veto does.',
  'governance-not-pending':
    'It acts already, was vetoed, or never was. `portcullis governance pending` lists what waits.',
  'not-confirmed': 'Nothing was signed and nothing was sent.',
  'confirmation-needed': 'Run it in a terminal, or say --yes if a person has looked already.',
  'approver-is-requester': 'Nobody approves what they, or a key of theirs, asked for. Others have to.',
  'approver-duplicate': 'You have given your verdict already. A person counts once, whatever keys they hold.',
  'approval-follows-unknown':
    'What it follows has changed since the statement was fetched. Run the command again.',
  'approval-out-of-turn':
    'Others approve first, or it is somebody else who is still missing: `portcullis show` says who. Run the command again when it is your turn.',
  'approval-class-wanted':
    'You are needed with another key of yours, most likely your device with a display: `--sign-with ledger`. Nothing was taken; sign with that one.',
  'transfer-not-awaiting-approvals':
    'It waits for no approval now: `portcullis show` says where it is and why.',
  'approval-expired':
    'The time for approving it is over. If it is still wanted, it has to be requested anew.',
  'request-id-used': 'Another request has this id. Request ids are used once and for ever: choose a new one.',
  'not-yet': 'It goes on without you: run the command again whenever you like.',
};

export function adviceFor(code: string): string | undefined {
  return ADVICE[code];
}

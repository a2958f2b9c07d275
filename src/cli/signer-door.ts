// The signer's own door, for who stands at its host and has no orchestrator: one question on one connection to its socket.
// What comes back is the signer's word, and is checked for its form alone.

import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { z } from 'zod';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import type { GovernanceEntry } from '../core/governance/entry.js';
import { encodeFrame, FrameReader } from '../signer-protocol/frame.js';
import {
  type GovernanceResult,
  governanceResult,
  PROTOCOL_VERSION,
  type Reply,
  reply,
  type StatusResult,
  statusResult,
} from '../signer-protocol/messages.js';
import { cliFault } from './exit.js';

/** For a connection and one answer. */
const PATIENCE_MS = 30_000;

type Question =
  | { readonly verb: 'status'; readonly transferIds: readonly [] }
  | { readonly verb: 'governance-read'; readonly fromSequence: number }
  | { readonly verb: 'governance-append'; readonly entry: GovernanceEntry };

/** The entries from a sequence, as many as fit into one answer. Faults `signer-unreachable`, `signer-answer-malformed`, `signer-fault`. */
export async function readAtDoor(path: string, fromSequence: number): Promise<GovernanceResult> {
  return given(await ask(path, { verb: 'governance-read', fromSequence }, governanceResult));
}

/** What the signer says of itself. Faults as `readAtDoor`. */
export async function statusAtDoor(path: string): Promise<StatusResult> {
  return given(await ask(path, { verb: 'status', transferIds: [] }, statusResult));
}

/** Hands in an entry. Faults as `readAtDoor`. */
export function appendAtDoor(path: string, entry: GovernanceEntry): Promise<Outcome<GovernanceResult>> {
  return ask(path, { verb: 'governance-append', entry }, governanceResult);
}

function given<T>(answer: Outcome<T>): T {
  if (answer.kind === 'accepted') return answer.value;
  throw cliFault('signer-fault', `the signer refuses to be read: ${answer.code}`, answer.facts);
}

async function ask<S extends z.ZodType>(
  path: string,
  question: Question,
  schema: S,
): Promise<Outcome<z.output<S>>> {
  const id = randomUUID();
  const body = new TextEncoder().encode(JSON.stringify({ version: PROTOCOL_VERSION, id, ...question }));
  const answer = await exchange(path, encodeFrame(body));
  if (answer.id !== id) throw malformed('it answers another question');
  switch (answer.kind) {
    case 'refused':
      return refused(answer.code, answer.facts);
    case 'fault':
      throw cliFault('signer-fault', `the signer could not do it now: ${answer.code}`, answer.facts);
    case 'done': {
      const parsed = schema.safeParse(answer.result);
      if (!parsed.success) throw malformed('its answer is not of the form that it must have');
      return accepted(parsed.data);
    }
  }
}

function exchange(path: string, frame: Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader();
    const socket: Socket = connect({ path });
    const end = (settle: () => void) => {
      clearTimeout(patience);
      socket.destroy();
      settle();
    };
    const unreachable = (cause?: unknown) =>
      end(() => reject(cliFault('signer-unreachable', `no signer answers at ${path}`, { path }, cause)));
    const patience = setTimeout(unreachable, PATIENCE_MS);
    socket.once('connect', () => socket.write(frame));
    socket.on('error', unreachable);
    socket.on('close', () => unreachable());
    socket.on('data', (chunk) => {
      try {
        const [message] = reader.push(chunk);
        if (message === undefined) return;
        const answer = reply.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message)));
        end(() => resolve(answer));
      } catch (cause) {
        end(() => reject(malformed('its answer cannot be read', cause)));
      }
    });
  });
}

function malformed(why: string, cause?: unknown): Fault {
  return cliFault('signer-answer-malformed', `what answers there is no signer: ${why}`, {}, cause);
}

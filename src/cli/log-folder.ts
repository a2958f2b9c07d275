// The public form of an audit log in a folder: which files it has, and their bytes. Hostile: nothing outside of the folder is
// read, and no file that is too large to be one of a log. And a copy that somebody keeps in one: what is new lies in a folder
// beside it until it was checked.

import {
  type Dirent,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MOST_ENTRY_BYTES } from '../core/audit/bundle.js';
import type { PublicForm } from '../core/audit/public-form.js';
import { TILE_WIDTH } from '../core/audit/tile-path.js';
import { cliFault } from './exit.js';
import { reasonOf } from './files.js';

/** A bundle of entries that are all as long as they can be. */
const MOST_BYTES = TILE_WIDTH * (2 + MOST_ENTRY_BYTES);

/** Faults `file-unreadable` for a folder that cannot be listed, or a file in it that cannot be read. */
export function logFolder(folder: string): PublicForm {
  const paths = new Set(filesIn(folder));
  return {
    paths: [...paths],
    readTile: (path) => Promise.resolve(paths.has(path) ? bytesOf(join(folder, path)) : undefined),
  };
}

/**
 * Paths below a folder, with slashes. What is neither a file nor a folder, a link for one, is named and read by nobody. By
 * hand: where Node.js goes through folders by itself it follows links out of them.
 */
function filesIn(folder: string, above = ''): readonly string[] {
  return entriesIn(join(folder, above)).flatMap((entry) => {
    const path = `${above}${entry.name}`;
    if (entry.isDirectory()) return filesIn(folder, `${path}/`);
    return entry.isFile() ? path : `${path} (no file)`;
  });
}

function entriesIn(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot list ${folder}: ${reasonOf(cause)}`, { path: folder }, cause);
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) throw new Error(`it has ${size} bytes`);
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot read ${path}: ${reasonOf(cause)}`, { path }, cause);
  }
}

/** Faults `file-unreadable` where it cannot be made. */
export function makeLogFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot make ${folder}: ${reasonOf(cause)}`, { path: folder }, cause);
  }
}

/**
 * Lends `work` an empty folder beside that of a log, on the same disk unless that one is a mount point; it is gone in the
 * end, and what a run that was killed has left in it is gone before. One run at a time. Faults `file-unreadable`.
 */
export async function withStaging<T>(folder: string, work: (staging: string) => Promise<T>): Promise<T> {
  const staging = `${resolve(folder)}.mirror-new`;
  removeFolder(staging);
  makeLogFolder(staging);
  try {
    return await work(staging);
  } finally {
    removeFolder(staging);
  }
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot remove ${folder}: ${reasonOf(cause)}`, { path: folder }, cause);
  }
}

/** `path` is one that this program has made up. Faults `file-unreadable` where it cannot be written. */
export function writeLogFile(folder: string, path: string, bytes: Uint8Array): void {
  const target = join(folder, path);
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  } catch (cause) {
    throw unwritten(target, cause);
  }
}

/** Whole or not at all, over what was there under that name. Faults `file-unreadable` where it cannot be moved. */
export function moveLogFile(from: string, folder: string, path: string): void {
  const target = join(folder, path);
  try {
    mkdirSync(dirname(target), { recursive: true });
    renameSync(join(from, path), target);
  } catch (cause) {
    throw unwritten(target, cause);
  }
}

function unwritten(path: string, cause: unknown): Error {
  return cliFault('file-unreadable', `cannot write ${path}: ${reasonOf(cause)}`, { path }, cause);
}

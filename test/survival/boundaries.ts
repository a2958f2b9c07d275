// Names the durable boundaries of our programs: every place where something becomes durable, or leaves a program, or
// comes into it. They are found in the source by the list below, so that a new one is in the list of those that tests
// kill at as soon as it is written. What runs is a compiled copy with a call of `boundary-runtime.ts` around each place; the
// programs that are shipped have nothing of it.

import { dirname, relative } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../../devnet/paths.js';

/**
 * How a place is watched. `call`: before it, and after it has succeeded. `commit`: the same, and once more for each step
 * that was written inside of it. `step`: written inside a database transaction, then committed with it.
 */
type Watch = 'call' | 'commit' | 'step';

interface Operation {
  readonly files: RegExp;
  /** The text of what is called. */
  readonly callee: RegExp;
  readonly watch: Watch;
}

const OPERATIONS: readonly Operation[] = [
  // The signer: its journal and the disk under it, its heartbeat, the token, and what it answers.
  { files: /^src\/signer\//, callee: /\bstore\.append(?:Soon)?$/, watch: 'call' },
  { files: /^src\/signer\//, callee: /\b(?:store|journal)\.durable$/, watch: 'call' },
  { files: /^src\/signer\/store\.ts/, callee: /^this\.(?:end\.run|sync)$/, watch: 'call' },
  { files: /^src\/signer\//, callee: /\bstore\.beat$/, watch: 'call' },
  { files: /^src\/signer\//, callee: /\.(?:signDigest|signMessage|writeRecord|readRecord)$/, watch: 'call' },
  { files: /^src\/signer\//, callee: /\bsocket\.write$/, watch: 'call' },
  // The token's process: the calls that change the token or use a key, and its answers.
  {
    files: /^hardware\/pkcs11\/token-/,
    callee: /\bapi\.C_(?:CreateObject|SetAttributeValue|DestroyObject)$/,
    watch: 'call',
  },
  { files: /^hardware\/pkcs11\//, callee: /\bapi\.C_Sign(?:Async)?$/, watch: 'call' },
  { files: /^hardware\/pkcs11\/token-process/, callee: /^process\.send$/, watch: 'call' },
  // The orchestrator: its database, the signer, the nodes.
  { files: /^src\/orchestrator\/(?!database\/)/, callee: /\bdatabase\.transaction$/, watch: 'commit' },
  {
    files: /^src\/orchestrator\/(?:transfers|approvals|ways-out)\//,
    callee: /^(?:moveTransfer|moveTransaction|recordArrival|insertPlan|noteWaiting|noteBurial)$/,
    watch: 'step',
  },
  {
    files: /^src\/orchestrator\/(?:transfers|governance|ways-out|audit|certificates)\//,
    callee: /\bsigner\.(?:sign|records|governanceAppend|governanceRead|void|bury|checkpoint|certificates)$/,
    watch: 'call',
  },
  { files: /^src\/orchestrator\/transfers\//, callee: /\bdriver\.broadcast$/, watch: 'call' },
  { files: /^src\/orchestrator\/chains\/bitcoin\//, callee: /\bnode\.submit$/, watch: 'call' },
  // The watcher: the numbers of its facts on the disk, what it signs, and what it gives out.
  { files: /^src\/watcher\//, callee: /^(?:writeDurably|fsyncSync|renameSync|signFact)$/, watch: 'call' },
  { files: /^src\/watcher\//, callee: /^this\.(?:sequence\.next|giveOut)$/, watch: 'call' },
];

const MOMENTS: Readonly<Record<Watch, readonly string[]>> = {
  call: ['before', 'after'],
  commit: ['before', 'committed'],
  step: ['written', 'committed'],
};

const RUNTIME = `${repositoryRoot}/test/survival/boundary-runtime.js`;

export interface Instrumented {
  readonly text: string;
  readonly boundaries: readonly string[];
}

/** The same source with its boundaries watched. Path is absolute; a file without boundaries stays as it is. */
export function instrument(file: string, source: string): Instrumented {
  const path = relative(repositoryRoot, file);
  const operations = OPERATIONS.filter(({ files }) => files.test(path));
  if (operations.length === 0) return { text: source, boundaries: [] };
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2024, true);
  const boundaries: string[] = [];
  const insertions: { readonly at: number; readonly text: string; readonly depth: number }[] = [];
  const visit = (node: ts.Node, depth: number): void => {
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText(tree);
      const operation = operations.find((one) => one.callee.test(callee));
      if (operation) {
        const { watch } = operation;
        const name = unused(`${path}:${enclosing(node)}:${wordsFor(node, callee, tree)}`, boundaries);
        boundaries.push(...MOMENTS[watch].map((moment) => `${name}:${moment}`));
        // Nothing is made to wait that does not wait by itself.
        const work = watch === 'call' && !waits(node) ? '() =>' : 'async () =>';
        insertions.push({
          at: node.getStart(tree),
          text: `__boundary.${watch}(${JSON.stringify(name)}, ${work} (`,
          depth,
        });
        insertions.push({ at: node.end, text: '))', depth: -depth });
      }
    }
    ts.forEachChild(node, (child) => visit(child, depth + 1));
  };
  visit(tree, 1);
  if (boundaries.length === 0) return { text: source, boundaries };
  // From the end, so that places stay right; at one place the outer call begins first and ends last.
  insertions.sort((a, b) => b.at - a.at || b.depth - a.depth);
  let text = source;
  for (const { at, text: inserted } of insertions) text = text.slice(0, at) + inserted + text.slice(at);
  const runtime = relative(dirname(file), RUNTIME);
  return { text: `import { boundary as __boundary } from '${runtime}';\n${text}`, boundaries };
}

/** Does an `await` stand in it, outside of functions of its own? */
function waits(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node)) return true;
  if (ts.isFunctionLike(node)) return false;
  return ts.forEachChild(node, waits) ?? false;
}

/** Class and method, or function, around a node. */
function enclosing(node: ts.Node): string {
  const names: string[] = [];
  for (let at: ts.Node | undefined = node.parent; at; at = at.parent) {
    const isFunction = ts.isVariableDeclaration(at)
      ? at.initializer !== undefined && ts.isArrowFunction(at.initializer)
      : ts.isMethodDeclaration(at) || ts.isFunctionDeclaration(at) || ts.isClassDeclaration(at);
    const { name } = at as ts.NamedDeclaration;
    if (isFunction && name && ts.isIdentifier(name)) names.unshift(name.text);
  }
  return names.join('.') || 'module';
}

/** What is called, and which step or entry it is about where the source says so. */
function wordsFor(node: ts.CallExpression, callee: string, tree: ts.SourceFile): string {
  const operation = callee.replaceAll(/\s/g, '').split('.').slice(-2).join('.');
  const [first, , third] = node.arguments;
  if (operation.startsWith('move') && third)
    return `${operation}(${third.getText(tree).replaceAll(/\s+/g, ' ')})`;
  if (/^store\.append(?:Soon)?$/.test(operation) && first) {
    const kind = /kind: '(\w+)'/.exec(first.getText(tree))?.[1];
    return `${operation}(${kind ?? first.getText(tree)})`;
  }
  return operation;
}

function unused(name: string, taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name}#${count}`;
    if (!taken.some((one) => one.startsWith(`${candidate}:`))) return candidate;
  }
}

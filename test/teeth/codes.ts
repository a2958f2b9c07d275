// The closed codes of the product, read from its source with the TypeScript compiler: which unions declare them, and where
// the code answers with them. It reads text and judges nothing; what has to have a row is table.ts.

import ts from 'typescript';

export interface Declared {
  /** Name of the type: every alias that ends in `Code`. */
  readonly union: string;
  readonly code: string;
}

function parse(file: string, source: string): ts.SourceFile {
  return ts.createSourceFile(file, source, ts.ScriptTarget.ES2024, true);
}

function each(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => each(child, see));
}

/** The literals that a file's own unions list. What a union takes over from another one is declared there. */
export function declaredCodes(file: string, source: string): readonly Declared[] {
  const declared: Declared[] = [];
  each(parse(file, source), (node) => {
    if (!ts.isTypeAliasDeclaration(node) || !node.name.text.endsWith('Code')) return;
    const members = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
    for (const member of members) {
      if (ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal)) {
        declared.push({ union: node.name.text, code: member.literal.text });
      }
    }
  });
  return declared;
}

/** True where a text is not compared, listed, typed, named at the top or imported, but given: as an argument, a value, an answer. */
function isGiven(node: ts.StringLiteral): boolean {
  const { parent } = node;
  if (ts.isLiteralTypeNode(parent) || ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent))
    return false;
  if (ts.isCaseClause(parent) || ts.isSatisfiesExpression(parent) || ts.isArrayLiteralExpression(parent))
    return false;
  if (ts.isVariableDeclaration(parent)) return !ts.isSourceFile(parent.parent.parent.parent);
  if (ts.isPropertyAssignment(parent) && parent.name === node) return false;
  if (!ts.isBinaryExpression(parent)) return true;
  const compared = [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken];
  return !compared.includes(parent.operatorToken.kind);
}

/** How often a file answers with each of the codes. */
export function sitesOf(
  file: string,
  source: string,
  codes: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const sites = new Map<string, number>();
  each(parse(file, source), (node) => {
    if (!ts.isStringLiteral(node) || !codes.has(node.text) || !isGiven(node)) return;
    sites.set(node.text, (sites.get(node.text) ?? 0) + 1);
  });
  return sites;
}

/** What is wrong with a source as text, if anything: its first syntax error. */
export function syntaxError(file: string, source: string): string | undefined {
  // The parser keeps what it stumbled over beside the tree; no public name leads there without a whole program.
  const { parseDiagnostics = [] } = parse(file, source) as { parseDiagnostics?: readonly ts.Diagnostic[] };
  const [first] = parseDiagnostics;
  return first && ts.flattenDiagnosticMessageText(first.messageText, ' ');
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ERROR_CODES, type ErrorCode } from '../../src/base/errors';

/** A message and its remedy as the code makes them; `{name}` stands for what is filled in. */
export interface CataloguedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

const CODES: ReadonlySet<string> = new Set(ERROR_CODES);

/** Every `fail(code, message, remedy)` and `new TracerError({ code, message, remedy })` below a folder whose code is written out there. */
export function errorCatalogue(folder: string): readonly CataloguedError[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .sort()
    .flatMap((file) => errorsOf(join(folder, file)));
}

function errorsOf(path: string): readonly CataloguedError[] {
  const text = readFileSync(path, 'utf8');
  if (!/\bfail\(|new TracerError\(/.test(text)) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const constants = new Map<string, ts.Expression>();
  const found: CataloguedError[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      constants.set(node.name.text, node.initializer);
    }
    const parts = partsOf(node);
    if (parts !== undefined) {
      for (const code of wordsOf(parts.code).filter((word) => CODES.has(word))) {
        const [message = '', remedy = ''] = [parts.message, parts.remedy].map((part) => textOf(part, constants));
        found.push({ code: code as ErrorCode, message, remedy });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

type Parts = Readonly<Record<'code' | 'message' | 'remedy', ts.Expression>>;

function partsOf(node: ts.Node): Parts | undefined {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'fail') {
    const [code, message, remedy] = node.arguments;
    return code === undefined || message === undefined || remedy === undefined ? undefined : { code, message, remedy };
  }
  const [data] = ts.isNewExpression(node) ? (node.arguments ?? []) : [];
  if (data === undefined || !ts.isObjectLiteralExpression(data)) return undefined;
  const member = (name: string): ts.Expression | undefined =>
    data.properties.flatMap((property) =>
      ts.isPropertyAssignment(property) && property.name.getText() === name ? [property.initializer] : [],
    )[0];
  const [code, message, remedy] = [member('code'), member('message'), member('remedy')];
  return code === undefined || message === undefined || remedy === undefined ? undefined : { code, message, remedy };
}

/** The string literals of an expression: of `x ? 'a' : 'b'` both. */
function wordsOf(expression: ts.Expression): readonly string[] {
  if (ts.isStringLiteral(expression)) return [expression.text];
  return ts.isConditionalExpression(expression)
    ? [...wordsOf(expression.whenTrue), ...wordsOf(expression.whenFalse)]
    : [];
}

/** An expression as text, `{name}` for what only a run knows. */
function textOf(expression: ts.Expression | undefined, constants: ReadonlyMap<string, ts.Expression>): string {
  if (expression === undefined) return '';
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (ts.isTemplateExpression(expression)) {
    const spans = expression.templateSpans.map((span) => textOf(span.expression, constants) + span.literal.text);
    return expression.head.text + spans.join('');
  }
  // A tagged template: `say` gates what comes from a file.
  if (ts.isTaggedTemplateExpression(expression)) return textOf(expression.template, constants);
  if (ts.isConditionalExpression(expression)) {
    const [yes, no] = [expression.whenTrue, expression.whenFalse].map((part) => textOf(part, constants));
    return yes === '' || no === '' ? `[${yes || no}]` : `[${yes} | ${no}]`;
  }
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    return textOf(expression.left, constants) + textOf(expression.right, constants);
  }
  if (ts.isIdentifier(expression)) {
    const value = constants.get(expression.text);
    if (value !== undefined && (ts.isStringLiteralLike(value) || ts.isTemplateExpression(value))) {
      return textOf(value, new Map());
    }
  }
  return `{${nameOf(expression)}}`;
}

/** The last name in an expression: `tensor` for `String(part.tensor)`. */
function nameOf(expression: ts.Expression): string {
  if (ts.isCallExpression(expression)) {
    const [first] = expression.arguments;
    if (first !== undefined) return nameOf(first);
    return nameOf(expression.expression);
  }
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  if (ts.isElementAccessExpression(expression)) return nameOf(expression.expression);
  if (ts.isBinaryExpression(expression)) return nameOf(expression.left);
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression)) return nameOf(expression.expression);
  return ts.isIdentifier(expression) ? expression.text : '...';
}

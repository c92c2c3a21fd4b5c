import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** File -> the files that it imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * The imports of every TypeScript file below a folder, relative ones only. Type imports, re-exports and `import()` count as well: a
 * reader has to follow them too, and the linter's `import-x/no-cycle` sees none of the first.
 */
export function importGraph(folder: string): ImportGraph {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(file, 'utf8'))]));
}

/** The TypeScript files that a file with this text imports. */
export function importsOf(file: string, text: string): readonly string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.flatMap(({ fileName }) => {
    if (!fileName.startsWith('.')) return [];
    const path = join(dirname(file), fileName);
    return [`${path}.ts`, `${path}.tsx`].filter((candidate) => existsSync(candidate));
  });
}

/** Groups of files that reach each other (Tarjan's strongly connected components of more than one file), each sorted. */
export function importCircles(graph: ImportGraph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const mine = order.size;
    order.set(file, mine);
    stack.push(file);
    onStack.add(file);
    let low = mine;
    for (const other of graph.get(file) ?? []) {
      const known = order.get(other);
      if (known === undefined) low = Math.min(low, visit(other));
      else if (onStack.has(other)) low = Math.min(low, known);
    }
    if (low !== mine) return low;
    const group = stack.splice(stack.indexOf(file));
    for (const member of group) onStack.delete(member);
    if (group.length > 1 || (graph.get(file) ?? []).includes(file)) circles.push(group.sort());
    return low;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
}

/** The part of a document between `<!-- NAME: npm run docs -->` and `<!-- /NAME -->`, which the code writes. */
export interface GeneratedPart {
  readonly text: string;
  /** The document with another text there. */
  with(text: string): string;
}

/** @throws Error when the document lacks the marks. */
export function generatedPart(document: string, name: string): GeneratedPart {
  const [begin, end] = [`<!-- ${name}: npm run docs -->\n`, `\n<!-- /${name} -->`];
  const [before = '', rest] = document.split(begin);
  const [text = '', after] = rest?.split(end) ?? [];
  if (after === undefined) throw new Error(`no part ${name}`);
  return { text, with: (other) => before + begin + other + end + after };
}

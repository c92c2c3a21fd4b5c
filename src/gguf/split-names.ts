/** What the name of one part of a split model says. */
export interface SplitName {
  /** Everything before `-00001-of-00003.gguf`. */
  readonly base: string;
  /** From 0. */
  readonly part: number;
  readonly count: number;
  /** What follows `.gguf` (a URL's query), usually nothing. */
  readonly rest: string;
}

/** Reads a file name, path or URL of the form `NAME-00001-of-00003.gguf`; undefined for any other. */
export function splitName(name: string): SplitName | undefined {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf([?#].*)?$/i.exec(name);
  if (match === null) return undefined;
  const [, base = '', part, count, rest = ''] = match;
  const split = { base, part: Number(part) - 1, count: Number(count), rest };
  return split.part >= 0 && split.part < split.count ? split : undefined;
}

/** The name of another part of the same split model. */
export function partName(split: SplitName, part: number): string {
  const digits = (n: number): string => String(n).padStart(5, '0');
  return `${split.base}-${digits(part + 1)}-of-${digits(split.count)}.gguf${split.rest}`;
}

/** One of the pieces that a file was cut into where it was too large for a host: to be joined with cat. */
export interface PieceName {
  /** The name of the file that the pieces make. */
  readonly whole: string;
  /** What names of the other pieces look like, for a shell. */
  readonly pattern: string;
}

/** Reads a name as hosts and `split` give them to pieces: `x.gguf.part1of2`, `x.gguf-split-a`, `x.gguf.001`. */
export function pieceName(name: string): PieceName | undefined {
  const [, whole, beginning] = /^(.*\.gguf)([.-](?:part-?|split-)?)(?:\d+(?:of\d+)?|[a-z]{1,2})$/i.exec(name) ?? [];
  return whole === undefined || beginning === undefined ? undefined : { whole, pattern: `${whole}${beginning}*` };
}

/** All part names of the model that `name` (file name, path or URL of any part) belongs to, in order; just `name` when it is not split. */
export function allPartNames(name: string): readonly string[] {
  const split = splitName(name);
  return split === undefined ? [name] : Array.from({ length: split.count }, (_, part) => partName(split, part));
}

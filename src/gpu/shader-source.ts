import { fail } from '../base/errors';
import type { KernelVariant } from '../ops/kernel-spec';

/** Every shader of the project, by its path inside `shaders/`. */
const FILES: ReadonlyMap<string, string> = new Map(
  Object.entries(
    import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true }),
  ).map(([path, text]) => [path.replace('../../shaders/', ''), text]),
);

/** What a kernel's variant chooses of its text. */
type Choices = Pick<KernelVariant, 'includes' | 'consts'>;

/** Where a line of the expanded code comes from. */
export interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface ShaderSource {
  readonly file: string;
  /** What the compiler is given: all includes in place. */
  readonly code: string;
  /** Entry i belongs to line i + 1 of `code`. */
  readonly lines: readonly SourceLine[];
}

const INCLUDE = /^\s*#include\s+(?:"([^"]+)"|<([\w-]+)>)(?:\s+as\s+(\w+))?\s*$/;
const CONST = /^#const\s+(\w+)\s*$/;
/** Names that a file gives to others: what WGSL calls module scope stands at the beginning of a line here. */
const DECLARED = /^(?:fn|struct|const|override|alias|var(?:<[^>]*>)?)\s+(\w+)/;
/** The variable that the weight formats read without declaring it. */
const WEIGHTS = 'weights';

/**
 * A shader with its includes in place, and each `#const NAME` as the constant that the variant says. `#include "lib/x.wgsl"` names a file inside `shaders/`; `#include <name>` names whatever file
 * the kernel's variant chose for `name`. A file is included once, at its first mention.
 * `#include ... as Up` includes it once more with all that it includes: every name that these lines declare ends in `Up`, so does the
 * variable `weights` that they read, and `<name>`, itself or inside, means what the variant chose for `nameUp`, if it did. So that one kernel can
 * read weights of two types.
 * @throws TracerError `internal` for a file or name that does not exist.
 */
export function shaderSource(file: string, chosen: Choices = {}): ShaderSource {
  return expand(file, chosen, FILES);
}

/** {@link shaderSource} over any set of files. */
export function expand(
  file: string,
  { includes: chosen = {}, consts = {} }: Choices,
  files: ReadonlyMap<string, string>,
): ShaderSource {
  const code: string[] = [];
  const lines: SourceLine[] = [];
  const add = (name: string, seen: Set<string>, suffix: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = files.get(name);
    if (text === undefined) throw fail('internal', `There is no shader ${name}.`, 'Rebuild MoEscope.', { file: name });
    for (const [i, line] of text.split('\n').entries()) {
      const [match, literal, variable = '', as] = INCLUDE.exec(line) ?? [];
      const constant = CONST.exec(line)?.[1];
      if (match === undefined) {
        code.push(constant === undefined ? line : constLine(constant, consts[constant], `${name}:${i + 1}`));
        lines.push({ file: name, line: i + 1 });
        continue;
      }
      const target = literal ?? chosen[variable + (as ?? suffix)] ?? chosen[variable];
      if (target === undefined) {
        throw fail('internal', `${name}:${i + 1} includes <${variable}>, which nothing chose.`, 'Rebuild MoEscope.', {
          file: name,
        });
      }
      if (as === undefined) add(target, seen, suffix);
      else {
        const first = code.length;
        add(target, new Set(), as);
        rename(code, first, as);
      }
    }
  };
  add(file, new Set(), '');
  return { file, code: code.join('\n'), lines };
}

function constLine(name: string, value: number | undefined, place: string): string {
  if (value !== undefined) return `const ${name} = ${value}u;`;
  throw fail('internal', `${place} wants the constant ${name}, which nothing chose.`, 'Rebuild MoEscope.', { name });
}

/** Puts the suffix behind every name that the lines from `first` on declare. Fields of structures keep theirs. */
function rename(code: string[], first: number, suffix: string): void {
  const names = new Set([WEIGHTS]);
  for (let i = first; i < code.length; i++) {
    const name = DECLARED.exec(code[i] ?? '')?.[1];
    if (name !== undefined) names.add(name);
  }
  for (let i = first; i < code.length; i++) {
    code[i] = (code[i] ?? '').replace(/\.?\b[A-Za-z_]\w*/g, (word) => (names.has(word) ? word + suffix : word));
  }
}

/**
 * Compiles a shader.
 * @throws TracerError `gpu-shader` with file, line and the compiler's message.
 */
export async function compileShader(device: GPUDevice, source: ShaderSource): Promise<GPUShaderModule> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: source.file, code: source.code });
  const [error, info] = await Promise.all([device.popErrorScope(), module.getCompilationInfo()]);
  const first = info.messages.find((m) => m.type === 'error');
  if (first === undefined && error === null) return module;
  const place = source.lines[(first?.lineNum ?? 1) - 1] ?? { file: source.file, line: 1 };
  const message = first?.message ?? error?.message ?? 'unknown error';
  throw fail(
    'gpu-shader',
    `${place.file}:${place.line}: ${message}`,
    'This is a defect in MoEscope or in the driver. Please report it with the browser, its version and the adapter.',
    { file: place.file, line: place.line, message, errors: info.messages.filter((m) => m.type === 'error').length },
  );
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/*
 * The kinds of files, dumps and servers that people really have and that a tool of this sort gets wrong, each with the tests that hold it: a
 * kind whose test was renamed or dropped is red here.
 */

/** A test by its file in `tests/` and what its title, or that of its group, says. */
type Held = readonly [file: string, title: string];

const KINDS: readonly (readonly [kind: string, ...held: Held[]])[] = [
  [
    'what the file says is computed, known to change nothing, told, or refused by name; never dropped',
    ['arch/account.test.ts', 'what a file says is'],
    ['arch/account.test.ts', 'refused by name where only half of a head would turn'],
    ['arch/tensor-layouts.test.ts', 'biases are added and scales multiply, each expert by its own'],
    ['families/exact.test.ts', 'meets every stage of %s'],
    ['families/gpu.test.ts', 'meets every stage of %s'],
  ],
  [
    "files of the format's own tools run: merged splits",
    ['gguf/open-model.test.ts', 'merged again (split.count 0, split.no %s) is a model of its own'],
    ['gguf/open-model.test.ts', 'of one part is a model of its own'],
  ],
  [
    'agreement says what it rests on: blank tensors, experts that were not reached, odd scales',
    ['session/evidence.test.ts', 'how many experts the prompt reached, and what is left to f16'],
    ['session/evidence.test.ts', 'names products that show nothing, and calls no model of zero logits a match'],
    ['gguf/scan-model.test.ts', 'names what is odd in %s, by expert'],
    ['gguf/scan-model.test.ts', 'names a scale that a flipped bit has made large, and a matrix of one value'],
  ],
  [
    'rows of a dump that holds one row of its last layer are placed right, or refused',
    ['trace/foreign-dumps.test.ts', 'one row of the last token is placed by the prompt, and by the other arrays'],
    ['trace/foreign-dumps.test.ts', 'rows that are neither all nor the last are refused unless the prompt is told'],
  ],
  [
    'what is not finite stays so on every engine, and is found where it enters',
    ['ops/non-finite.test.ts', 'rmsnorm keeps NaN inside its row'],
    ['contract/non-finite.test.ts', 'of every kind of weight has a stage to be found at'],
    ['session/evidence.test.ts', 'a NaN is blamed on the tensor of the file that has it'],
  ],
  [
    "leaving f32's range is a verdict of its own, and no kernel's fault",
    ['session/evidence.test.ts', 'a model that leaves f32 is told so, and no kernel is blamed'],
    ['session/evidence.test.ts', 'large values that f32 holds are no fault, and do not fit f16'],
  ],
  [
    'sound files are read, however their tensors lie; what is of another project is called that',
    ['arch/tensor-layouts.test.ts', 'computes the bits of the plain file, on both engines'],
    ['arch/tensor-layouts.test.ts', 'experts of different types are those of their dequantised values'],
    ['arch/account.test.ts', 'read where it can be derived, and where it is the same for every layer'],
    ['tokenizer/tokenizer.test.ts', 'an id outside the vocabulary is none'],
    ['session/inspect-model.test.ts', 'a type of ik_llama.cpp'],
  ],
  [
    'inspect shows all of a file that cannot run, and what stands in the way',
    ['session/inspect-model.test.ts', 'a file is shown whole, and told is what stands in the way'],
    ['session/inspect-model.test.ts', 'of a file that ends early'],
  ],
  [
    'remedies can be followed: parts, halves, joined parts, adapters, web pages, edges of a network',
    ['gguf/open-model.test.ts', 'joined with cat is called so'],
    ['gguf/open-model.test.ts', 'is looked at in part where parts are missing or the file is cut'],
    ['session/inspect-model.test.ts', 'an importance matrix'],
    ['gguf/http-source.test.ts', 'a web page is called one'],
    ['gguf/http-source.test.ts', 'an ETag that each node makes for itself, under one date and size, is the same file'],
    ['gguf/http-source.test.ts', 'answers that are capped are read on behind'],
  ],
  [
    'dumps as other programs store them are read, or told is why not',
    ['trace/foreign-dumps.test.ts', 'a folder of arrays as other programs store them'],
    ['trace/foreign-dumps.test.ts', 'safetensors with bfloat16, by the names of modules'],
    ['trace/foreign-dumps.test.ts', 'what llama.cpp prints'],
    ['trace/foreign-dumps.test.ts', 'tables as spreadsheets write them'],
    ['trace/npy-tree.test.ts', 'a name that means two stages is that of its kind of layer'],
  ],
];

describe('each kind of input has tests', () => {
  it.each(KINDS.map(([kind, ...held], i) => ({ number: i + 1, kind, held })))('$number: $kind', ({ held }) => {
    for (const [file, title] of held) {
      const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      expect(source.includes(title), `tests/${file} has no test ${JSON.stringify(title)}`).toBe(true);
    }
  });
});

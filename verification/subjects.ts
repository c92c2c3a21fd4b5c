import process from 'node:process';
import { FAMILIES, familyPrompts } from '../tests/families/goldens';
import { GOLDEN_MODELS, goldenModelPath, goldenPrompts, loadGolden } from '../tests/support/golden';
import { goldenFolders, type GoldenFolder } from '../tests/support/golden-folder';

/** A model whose every stage has an exact value. */
export type Subject = GoldenFolder;

const own = (name: string, prompts: readonly string[]): Subject => ({
  name: name.replace('families/', ''),
  path: goldenModelPath(name),
  prompts,
  load: (prompt) => loadGolden(name, prompt),
});

/** Models that are too many for this repository: folders of them, separated by colons. Those that it has are not run twice. */
const elsewhere = (process.env['MOESCOPE_GOLDENS'] ?? '').split(':').filter((folder) => folder !== '');

const OWN: readonly Subject[] = [
  ...[...GOLDEN_MODELS, 'tiny-moe-6x16'].map((name) => own(name, goldenPrompts(name))),
  ...FAMILIES.map((name) => own(`families/${name}`, familyPrompts(name))),
];

/** Every golden model. */
export const SUBJECTS: readonly Subject[] = [
  ...OWN,
  ...elsewhere.flatMap(goldenFolders).filter(({ name }) => !OWN.some((one) => one.name === name)),
];

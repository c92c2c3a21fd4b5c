import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { describe, expect, test } from 'vitest';
import { actionInputs, readAction, readRecipes, ROOT } from './github';

const WORKFLOWS = readRecipes();

async function problems(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map((error) => error.message);
}

describe('the workflows of docs/ci.md', () => {
  test('are three', () => {
    expect(WORKFLOWS.map((workflow) => workflow.name)).toEqual(['numerics', 'numerics-gpu', 'numerics-suite']);
  });

  test.each(WORKFLOWS)(
    "$name holds to GitHub's own schema and gives the action inputs that it has",
    async (workflow) => {
      expect(await problems(workflow.name, workflow.text)).toEqual([]);
      const { inputs } = readAction();
      const steps = [...actionInputs(workflow).values()];
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) {
        const given = Object.keys(step);
        expect(given.filter((name) => !(name in inputs))).toEqual([]);
        expect(given.filter((name) => ['model', 'suite', 'merge'].includes(name))).toHaveLength(1);
      }
    },
  );

  test('no text tells people to install a name that nobody has claimed', () => {
    const places = ['README.md', 'action.yml', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
    const files = [
      ...places.filter((name) => /\.(?:md|yml)$/.test(name)),
      'deploy/kubernetes/Dockerfile',
      'deploy/README.md',
    ];
    for (const file of files) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      expect(
        text.match(/(?:npm (?:i|install|add|exec)|pnpm add|yarn add)\b[^\n]*\s(?:moescope)(?![\w./-])/g),
        file,
      ).toBeNull();
      // Without --no, npx fetches what is not installed.
      expect(text.match(/npx (?!--no )(?:-y )?moescope/g), file).toBeNull();
    }
  });

  test('the schema bites', async () => {
    const { name, text } = WORKFLOWS[0] ?? { name: '', text: '' };
    expect(await problems(name, text.replace('runs-on:', 'run-on:'))).not.toEqual([]);
    expect(await problems(name, text.replace('- uses: actions/checkout@v4', '- use: actions/checkout@v4'))).not.toEqual(
      [],
    );
  });
});

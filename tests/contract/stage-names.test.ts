import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { parseStages } from '../../src/model/plan';
import { findStage, STAGES, stageSpec, type StageSpec } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import { aprPath, parseAprPath } from '../../src/trace/apr-path';

const NAMES = STAGES.flatMap((spec: StageSpec) =>
  [spec.id, spec.title, ...spec.aliases].map((name) => [name, spec.id]),
);

describe('SUB-001: a stage name', () => {
  it.each(NAMES)('%s means %s in any case, and in a list of stages it or its parts', (name, id) => {
    for (const written of [name, name.toUpperCase(), name.toLowerCase(), ` ${name} `]) {
      expect(findStage(written)).toBe(id);
      const stands = id === 'qkv_matmul' ? ['q_proj', 'k_proj', 'v_proj'] : [id];
      expect(parseStages(written)).toEqual(stands);
      expect(parseStages(`lm_head,${written}`)).toEqual([...new Set([...stands, 'lm_head'])]);
    }
  });

  it('means one stage only', () => {
    const lower = NAMES.map(([name, id]) => `${name?.toLowerCase() ?? ''} ${id ?? ''}`);
    const byName = new Set(lower.map((pair) => pair.split(' ')[0]));
    expect(new Set(lower).size).toBe(byName.size);
  });

  it.each(ACTIVE_STAGES)('%s comes back from its file name', (stage) => {
    const layer = stageSpec(stage).scope === 'layer' ? 3 : undefined;
    expect(parseAprPath(aprPath('gpu', stage, layer))).toEqual({ folder: 'gpu', stage, layer });
  });

  it('that does not exist is told with those that do', () => {
    const refused = (): unknown => parseStages('moe_rooter');
    expect(refused).toThrow(TracerError);
    try {
      refused();
    } catch (error) {
      const remedy = error instanceof TracerError ? error.remedy : '';
      for (const { id } of STAGES) expect(remedy).toContain(id);
    }
  });
});

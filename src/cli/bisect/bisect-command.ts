import { fail } from '../../base/errors';
import { joined, say, shown } from '../../base/foreign-text';
import { TOOL } from '../../base/version';
import { plainToJson } from '../../divergence/report-json';
import { isLibrary } from '../../engine/llama-cpp/install-folder';
import { isLive, type LiveEngineId } from '../../model/live';
import { bisect, BISECT_SCHEMA, type BisectResult, type JudgedSubject } from '../../regression/bisect';
import { bisectToJunit } from '../../regression/junit';
import type { Arguments } from '../command-line/arguments';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE, JUNIT_FILE, QUIET } from '../command-line/shared-options';
import { ENGINE_A } from '../diff/diff-options';
import { peekOperand } from '../diff/read-operand';
import { checkOutputs, writeOutput } from '../files/output';
import { openDumpJudge, readDump, type DumpJudge } from '../judge/judge-dump';
import { CANDIDATE } from '../trace/live-options';
import { nodeRunner, type NodeRunner } from '../trace/node-runtime';
import { traceRequest, type TraceRequest } from '../trace/request';
import { styledVerdict } from '../terminal/terminal';
import { BAD, BETWEEN, GOOD } from './bisect-spec';

/** `moescope bisect MODEL --good A --bad B`. */
export const bisectCommand: CommandRunner = async (args, terminal, signal) => {
  const [json, junit] = [args.get(JSON_FILE), args.get(JUNIT_FILE)];
  await checkOutputs([json, junit]);
  const names = [needed(args, GOOD), ...args.all(BETWEEN), needed(args, BAD)];
  const judge = await openSubjects(names, args, signal);
  let result: BisectResult;
  try {
    result = await bisect(names, async (name) => {
      const judged = await judge.judge(name);
      if (!args.has(QUIET)) terminal.err(say`${name}: ${judged.sentence}\n`);
      return judged;
    });
  } finally {
    await judge.dispose();
  }
  const document = { schema: BISECT_SCHEMA, tool: TOOL, model: args.operands[0] ?? '', ...result };
  if (json !== undefined) await writeOutput(json, `${plainToJson(document, 2)}\n`, terminal);
  if (junit !== undefined) await writeOutput(junit, bisectToJunit(result), terminal);
  const sentence = styledVerdict(terminal, 'out', shown(result.sentence));
  if ([json, junit].includes('-')) terminal.err(say`${sentence}\n`);
  else terminal.out(say`${table(result)}\n${sentence}\n`);
  return exitCode('diverged');
};

function table({ subjects }: BisectResult): ReturnType<typeof joined> {
  return joined(
    subjects.map(
      ({ name, outcome, sentence = 'not tried' }) => say`  ${shown(outcome.padEnd(8))} ${name}  ${sentence}\n`,
    ),
  );
}

function needed(args: Arguments, option: typeof GOOD): string {
  const path = args.get(option);
  if (path !== undefined) return path;
  throw fail(
    'usage',
    `bisect needs --${option.name}.`,
    'Name one that is right with --good and one that is wrong with --bad.',
    {
      option: `--${option.name}`,
    },
  );
}

interface Subjects {
  judge(name: string): Promise<JudgedSubject>;
  dispose(): Promise<void>;
}

/** Opens what the subjects need, each once: a prompt and a runner for libraries, a judge for dumps. Dumps are looked at first, and read when it is their turn. */
async function openSubjects(names: readonly string[], args: Arguments, signal: AbortSignal): Promise<Subjects> {
  const engine = args.get(ENGINE_A);
  const libraries = new Set(names.filter(isLibrary));
  const candidate = liveCandidate(args);
  const request = libraries.size === 0 ? undefined : await traceRequest(args);
  for (const name of names) if (!libraries.has(name)) await peekOperand(name);
  let runner: NodeRunner | undefined;
  let judge: DumpJudge | undefined;
  return {
    async judge(name) {
      if (request !== undefined && libraries.has(name)) {
        runner ??= nodeRunner(request);
        const report = await runner.run(ofLibrary(request, candidate, name), () => undefined, signal);
        return report.verdict;
      }
      judge ??= await openDumpJudge(args.operands, signal);
      return (await judge.judge(await readDump(name, engine), engine, signal)).verdict;
    },
    async dispose() {
      await runner?.dispose();
      await judge?.dispose();
    },
  };
}

function liveCandidate(args: Arguments): LiveEngineId {
  const candidate = args.get(CANDIDATE) ?? 'llama.cpp:cpu';
  if (isLive(candidate)) return candidate;
  throw fail(
    'usage',
    `bisect runs llama.cpp libraries, not ${candidate}.`,
    'Give --candidate llama.cpp:cpu, vulkan, cuda or metal.',
    {
      candidate,
    },
  );
}

function ofLibrary(request: TraceRequest, candidate: LiveEngineId, library: string): TraceRequest {
  const { spec } = request;
  return { ...request, spec: { ...spec, engines: [candidate, 'cpu'], live: { ...spec.live, library } } };
}

import { sha256Hex } from '../base/sha256';
import type { Report } from '../divergence/report';
import { without } from '../base/without';

/** SHA-256 of the prompt: of its UTF-8 text, or, where only ids were given, of the ids joined by commas. */
export async function promptSha256({ run }: Report): Promise<string> {
  if (run.promptSha256 !== undefined) return run.promptSha256;
  return sha256Hex(new TextEncoder().encode(run.prompt ?? run.tokens.join(',')));
}

/**
 * The report without its prompt: no text, no token ids (they are the text in another alphabet), no token texts, and no next tokens,
 * which continue it. What is left of it is its hash, its length and the routing.
 */
export async function withoutPrompt(report: Report): Promise<Report> {
  return {
    ...report,
    run: {
      ...without(report.run, 'prompt'),
      tokens: [],
      tokenTexts: placeholders(report),
      promptSha256: await promptSha256(report),
    },
    top: { a: [], b: [] },
  };
}

/** Whether the prompt is in the report. */
export function hasPrompt({ run }: Report): boolean {
  return run.prompt !== undefined || run.tokens.length > 0;
}

/** Tokens of the prompt, also where the ids were taken out. */
export function promptLength(run: Report['run']): number {
  return Math.max(run.tokens.length, run.tokenTexts?.length ?? 0);
}

function placeholders({ run }: Report): readonly string[] {
  return Array.from({ length: promptLength(run) }, (_, i) => `token ${String(i)}`);
}

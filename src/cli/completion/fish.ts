import { GENERAL_FLAGS, type CompletedCommand, type CompletedOption } from './words';

/** For fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = [
    '# fish completion of moescope: moescope completion fish > ~/.config/fish/completions/moescope.fish',
    'complete -c moescope -f',
    ...GENERAL_FLAGS.map((flag) => optionLine('__fish_use_subcommand', flag)),
    `complete -c moescope -n __fish_use_subcommand -a help -d ${quoted('explain a command')}`,
  ];
  for (const { name, summary } of commands) {
    lines.push(`complete -c moescope -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`);
    lines.push(`complete -c moescope -n ${quoted('__fish_seen_subcommand_from help')} -a ${name}`);
  }
  for (const { name, options, operands } of commands) {
    const when = `__fish_seen_subcommand_from ${name}`;
    lines.push(...options.map((option) => optionLine(when, option)));
    const words = [...new Set(operands.flatMap((operand) => operand.words))];
    if (words.length > 0) lines.push(`complete -c moescope -n ${quoted(when)} -a ${quoted(words.join(' '))}`);
    if (operands.some((operand) => operand.words.length === 0 || operand.name === 'MODEL')) {
      lines.push(`complete -c moescope -n ${quoted(when)} -F`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function optionLine(when: string, { flag, help, values }: CompletedOption): string {
  const head = `complete -c moescope -n ${quoted(when)} -l ${flag.slice(2)}`;
  const tail = `-d ${quoted(help)}`;
  switch (values?.kind) {
    case undefined:
      return `${head} ${tail}`;
    case 'words':
      return `${head} -x -a ${quoted(values?.words.join(' ') ?? '')} ${tail}`;
    case 'file':
      return `${head} -r -F ${tail}`;
    case 'folder':
      return `${head} -x -a ${quoted('(__fish_complete_directories)')} ${tail}`;
    case 'text':
      return `${head} -x ${tail}`;
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

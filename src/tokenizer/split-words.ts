/** A class of llama.cpp: Unicode's White_Space. JavaScript's `\s` has U+FEFF too, and U+0085 not. */
const SPACES: Readonly<Record<string, string>> = { '\\s': '\\p{White_Space}', '\\S': '\\P{White_Space}' };

/** Cuts a text by regular expressions, one after the other: each match is a word, and so is what lies between two. */
export function wordSplitter(regexes: readonly string[]): (text: string) => readonly string[] {
  const compiled = regexes.map(
    (regex) =>
      new RegExp(
        regex.replaceAll(/\\[sS]/g, (s) => SPACES[s] ?? s),
        'gu',
      ),
  );
  return (text) => compiled.reduce<readonly string[]>(cutAll, text === '' ? [] : [text]);
}

function cutAll(texts: readonly string[], regex: RegExp): readonly string[] {
  const words: string[] = [];
  for (const text of texts) {
    let end = 0;
    for (const { 0: word, index } of text.matchAll(regex)) {
      if (index > end) words.push(text.slice(end, index));
      words.push(word);
      end = index + word.length;
    }
    if (end < text.length) words.push(text.slice(end));
  }
  return words;
}

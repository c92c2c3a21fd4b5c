/** Mean widths in ems, of the widest face that a viewer may put in place (DejaVu): pictures are laid out without a browser. */
const FACE_EM = { sans: 0.6, mono: 0.605, serif: 0.58 } as const;
export type Face = keyof typeof FACE_EM;

const WIDE = /[MWmw@%—…×]|[^\u0000-\u024f]/;
const NARROW = /[iljtfrI.,:;'|!()[\] ]/;

/** Pixels that a text takes, estimated. */
export function textWidth(text: string, face: Face, size: number): number {
  let ems = 0;
  for (const letter of text) {
    const factor = face === 'mono' ? 1 : WIDE.test(letter) ? 1.5 : NARROW.test(letter) ? 0.56 : 1.06;
    ems += FACE_EM[face] * factor;
  }
  return ems * size;
}

/** Breaks text at blanks, and inside words longer than a line. The last of `maxLines` ends in an ellipsis where text was cut. */
export function wrapText(
  text: string,
  face: Face,
  size: number,
  width: number,
  maxLines = Infinity,
): readonly string[] {
  const lines: string[] = [];
  let line = '';
  const push = (): void => {
    lines.push(line);
    line = '';
  };
  for (const word of text.replace(/\s+/g, ' ').trim().split(' ')) {
    let rest = word;
    if (line !== '' && textWidth(`${line} ${rest}`, face, size) > width) push();
    while (textWidth(rest, face, size) > width) {
      let n = 1;
      while (textWidth(rest.slice(0, n + 1), face, size) <= width) n++;
      line = rest.slice(0, n);
      push();
      rest = rest.slice(n);
      if (lines.length > maxLines) break;
    }
    line = line === '' ? rest : `${line} ${rest}`;
    if (lines.length > maxLines) break;
  }
  if (line !== '') push();
  if (lines.length <= maxLines) return lines;
  const last = lines[maxLines - 1] ?? '';
  return [...lines.slice(0, maxLines - 1), `${last.slice(0, Math.max(0, last.length - 2))}…`];
}

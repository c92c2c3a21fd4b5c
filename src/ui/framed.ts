/**
 * Whether another page shows this one in a frame, where it could lay something over it and have a visitor press what they do not see. Hosts that send `_headers` forbid
 * that (`frame-ancestors`); a host without headers leaves it to the page.
 */
export function isFramed(here: Pick<Window, 'self' | 'top'> = window): boolean {
  return here.self !== here.top;
}

/** Says so in place of the page, with a way to it: nothing is opened, read or run in a frame. */
export function refuseFrame(page: Element, address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.target = '_blank';
  link.rel = 'noopener';
  link.textContent = 'Open MoEscope in a window of its own';
  const text = document.createElement('p');
  text.append('MoEscope does not run inside of other pages. ', link, '.');
  page.replaceChildren(text);
}

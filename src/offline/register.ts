/** Registers the service worker, which fetches every file once more: after what a visit begins with. Built pages only. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  // Without it (a private window, plain http) the page works as well, online.
  navigator.serviceWorker.register('./sw.js', { scope: './' }).catch(() => undefined);
}

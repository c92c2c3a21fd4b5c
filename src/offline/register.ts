/** Registers the service worker once the page has loaded, so that it takes nothing from the first visit. Built pages only. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = (): void => {
    // Without it (a private window, plain http) the page works as well, online.
    navigator.serviceWorker.register('./sw.js', { scope: './' }).catch(() => undefined);
  };
  if (document.readyState === 'complete') register();
  else window.addEventListener('load', register, { once: true });
}

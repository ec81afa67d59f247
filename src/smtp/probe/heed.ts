/** Waiting for somebody else's work no longer than a signal allows. */

/** What the work comes to, or the signal's reason as soon as it is aborted. What the work comes to later is nobody's error. */
export function heed<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    const leave = (): void => fail(signal.reason);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    work.then(done, fail).finally(() => signal.removeEventListener('abort', leave));
  });
}

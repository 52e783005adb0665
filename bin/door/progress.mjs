/** Says on standard error what takes its time, so that nobody looks at a silent terminal for over two seconds. */

/** Silence shorter than this needs no word. */
const QUIET_MS = 2_000;
/** How often to say that it still goes on. */
const REMINDER_MS = 10_000;

/** @param {string} sentence */
export function say(sentence) {
  process.stderr.write(`signalbox: ${sentence}\n`);
}

/**
 * Does `work`; says what it is once it has taken two seconds, and how long it took in the end.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(what, work) {
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  let spoken = false;
  const speak = () => {
    say(spoken ? `${what} … ${seconds()} s` : `${what} …`);
    spoken = true;
    timer = setTimeout(speak, REMINDER_MS);
  };
  let timer = setTimeout(speak, QUIET_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (spoken) say(`${what}: ${seconds()} s`);
  }
}

/** Other programs: run to the end with their output collected, or in our place with terminal and signals passed on. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** @typedef {{ code: number, output: string }} Finished */

/**
 * Runs quietly. Never rejects: a program that is not there ends with code 127.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Finished>}
 */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** One Ctrl-C reaches us from the terminal and again from npm; what comes later than this is another one, in ms. */
const SAME_SIGNAL_MS = 500;

/** What the program is told for each signal of ours; a closed terminal is no reason to drop work. */
const PASSED_ON = /** @type {const} */ ({ SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGHUP: 'SIGTERM' });

/**
 * Runs with our input and output, passes signals on, and resolves with the exit code; 128 + number after a signal.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function runInPlace(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    // In a group of its own the terminal's Ctrl-C does not reach it past us, which would count as a second one.
    const child = spawn(command, args, { ...options, stdio: 'inherit', detached: true });
    const stopPassing = passSignals(child);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      stopPassing();
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function passSignals(child) {
  const stops = Object.entries(PASSED_ON).map(([ours, theirs]) => {
    let last = Number.NEGATIVE_INFINITY;
    const pass = () => {
      const again = performance.now() - last < SAME_SIGNAL_MS;
      last = performance.now();
      if (!again) child.kill(theirs);
    };
    process.on(ours, pass);
    return () => process.off(ours, pass);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Programs that some suites need beside Node: a browser for the pages, a mail server for IMAP, a database, walls for
 * scripts.
 *
 * A suite asks `findTestProgram` and skips itself when there is none; the door installs what it can and names what
 * will be skipped.
 */
import { access, constants } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { hasDebianPackages, installPackages, unpackPackages } from './debian.mjs';
import { say, withProgress } from './progress.mjs';
import { inRoot } from './root.mjs';

/**
 * `unpacked`: where it is in the package's tree, if it runs from there; Dovecot does not, its log-in processes find
 * their libraries only where the package puts them.
 *
 * @typedef {{ name: string, places: string[], packages: string[], suites: string, unpacked?: string }} TestProgram
 */

const UNPACKED = inRoot('.cache', 'test-programs');

/** @type {Record<'bubblewrap' | 'chromium' | 'dovecot' | 'postgres', TestProgram>} */
const PROGRAMS = {
  bubblewrap: {
    name: 'Bubblewrap',
    places: ['bwrap'],
    packages: ['bubblewrap'],
    suites: 'scripts of skills in a real sandbox',
    unpacked: 'usr/bin/bwrap',
  },
  chromium: {
    name: 'Chromium',
    places: [
      'chromium',
      'chromium-browser',
      'google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    packages: ['chromium'],
    suites: 'the sandbox page in a browser',
    unpacked: 'usr/lib/chromium/chromium',
  },
  dovecot: {
    name: 'Dovecot',
    places: ['dovecot', '/usr/sbin/dovecot', '/opt/homebrew/sbin/dovecot', '/usr/local/sbin/dovecot'],
    packages: ['dovecot-imapd', 'dovecot-lmtpd'],
    suites: 'IMAP against a real mail server',
  },
  postgres: {
    name: 'PostgreSQL',
    places: [
      ...[18, 17, 16, 15, 14].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`),
      '/opt/homebrew/bin/postgres',
      '/usr/local/bin/postgres',
      'postgres',
    ],
    packages: ['postgresql'],
    suites: 'questions to a real database',
  },
};

/**
 * The absolute path of a program, undefined when the machine has none.
 *
 * @param {keyof typeof PROGRAMS} key
 * @returns {Promise<string | undefined>}
 */
export async function findTestProgram(key) {
  const { places, unpacked } = PROGRAMS[key];
  const starter = unpacked ? [join(UNPACKED, key, STARTER_NAME)] : [];
  for (const candidate of [...places.flatMap(onPath), ...starter]) {
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  return undefined;
}

/** Installs what is missing where that is possible, and says in one sentence each what will be skipped. */
export async function provideTestPrograms() {
  for (const key of /** @type {(keyof typeof PROGRAMS)[]} */ (Object.keys(PROGRAMS))) {
    if (await findTestProgram(key)) continue;
    const failure = await provide(key).catch((/** @type {unknown} */ error) => String(error));
    if (failure)
      say(
        `${PROGRAMS[key].name} is missing (${failure}), so these tests are skipped: ${PROGRAMS[key].suites}.`,
      );
  }
}

/**
 * @param {keyof typeof PROGRAMS} key
 * @returns {Promise<string | undefined>} why not
 */
async function provide(key) {
  const { name, packages, unpacked } = PROGRAMS[key];
  const wanted = packages.join(' and ');
  if (!(await hasDebianPackages())) return `install ${wanted} with your package manager`;
  if (userInfo().uid === 0) {
    await withProgress(`installing ${name} from the distribution’s packages`, () =>
      installPackages(packages),
    );
  } else if (unpacked) {
    const folder = join(UNPACKED, key);
    await withProgress(`unpacking ${name} from the distribution’s packages`, () =>
      unpackPackages(packages, folder, { name: STARTER_NAME, program: unpacked }),
    );
  } else {
    return `install it with \`sudo apt-get install ${packages.join(' ')}\``;
  }
  return (await findTestProgram(key)) ? undefined : 'its package did not bring it';
}

const STARTER_NAME = 'run';

/** @param {string} place */
function onPath(place) {
  if (isAbsolute(place)) return [place];
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, place));
}

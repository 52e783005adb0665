#!/usr/bin/env node
/**
 * Takes the picture of the README: the sandbox page in the middle of the story, by playing that story.
 *
 *   node bin/picture.mjs
 *
 * It starts a gateway of its own on free ports with the configuration that ships, in a temporary folder and without
 * the caller's credentials, and needs a Chromium (`npm test` provides one where it can) and a font with emoji
 * (Debian: fonts-noto-color-emoji).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { inRoot } from './door/root.mjs';
import { findTestProgram } from './door/test-programs.mjs';

export const PICTURE = { file: inRoot('docs', 'images', 'sandbox.png'), width: 1440, height: 900 };

/** Longest the gateway may take to be ready, its first build included, in ms. */
const READY_MS = 60_000;

if (process.argv[1] === fileURLToPath(import.meta.url)) await takePicture();

async function takePicture() {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-picture-'));
  const gateway = startGateway(folder);
  try {
    const url = await sandboxUrl(gateway);
    await mkdir(dirname(PICTURE.file), { recursive: true });
    await photograph(url);
  } finally {
    if (gateway.exitCode === null) {
      gateway.kill('SIGTERM');
      await once(gateway, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  }
  console.log(PICTURE.file);
}

/** @param {string} folder where it keeps its data, and finds no .env */
function startGateway(folder) {
  const args = [inRoot('bin', 'signalbox.mjs'), '--config', inRoot('config'), 'start', '--sandbox-port', '0'];
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH, HOME, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The address in what it prints when it is ready. @param {import('node:child_process').ChildProcess} gateway */
async function sandboxUrl(gateway) {
  if (!gateway.stdout) throw new Error('the gateway has no output');
  const tooLong = setTimeout(() => gateway.kill('SIGKILL'), READY_MS);
  try {
    for await (const line of createInterface({ input: gateway.stdout })) {
      const [, url] = /Open (http:\S+)/.exec(line) ?? [];
      if (url) return url;
    }
  } finally {
    clearTimeout(tooLong);
    // What else it says is read and dropped, so that it never waits for a reader.
    gateway.stdout.resume();
  }
  throw new Error('the gateway ended before it was ready');
}

/** @param {string} url */
async function photograph(url) {
  const executablePath = await findTestProgram('chromium');
  if (!executablePath) throw new Error('there is no Chromium: install one, or run `npm test` once');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({
      viewport: { width: PICTURE.width, height: PICTURE.height },
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    });
    await page.goto(url);
    await playStory(page);
    await page.screenshot({ path: PICTURE.file });
  } finally {
    await browser.close();
  }
}

/** Asked in Discord, a small refund is made at once; a large one waits, and Dana is about to answer by mail. @param {import('playwright-core').Page} page */
async function playStory(page) {
  await page.getByRole('tab', { name: 'Discord' }).click();
  await say(page, '/ask refund order 3 because the cup was cracked');
  await page.getByText('€20.00').first().waitFor();

  await say(page, '/ask refund order 7 because it arrived broken');
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  const mail = page.getByRole('region', { name: /Dana Reyes/ }).locator('details');
  await mail.locator('summary').click();
  const [line] = /^approve \S+$/m.exec((await mail.locator('.mail-text').textContent()) ?? '') ?? [];
  if (!line) throw new Error('the mail names no line to answer with');
  await mail.getByLabel('Reply as Dana').fill(line);

  await mail.locator('form').evaluate((form) => {
    form.scrollIntoView({ block: 'end' });
    form.closest('.scroll')?.scrollBy(0, 26);
  });
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} text
 */
async function say(page, text) {
  await page.getByLabel('as Alex in Discord').fill(text);
  await page.keyboard.press('Enter');
}

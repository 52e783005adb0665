import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installFailure, isInstalled, provideDependencies } from '../../../bin/door/dependencies.mjs';

describe('isInstalled', () => {
  const locked = {
    '': { version: '0.1.0' },
    'node_modules/zod': { version: '4.6.7', integrity: 'sha512-a' },
    'node_modules/vitest': { version: '4.1.12', integrity: 'sha512-b', dev: true },
    'node_modules/fsevents': { version: '2.3.3', integrity: 'sha512-c', optional: true },
  };
  const { 'node_modules/zod': zod, 'node_modules/vitest': vitest } = locked;

  it('is content without packages for other platforms', () => {
    expect(isInstalled(locked, { 'node_modules/zod': zod, 'node_modules/vitest': vitest }, true)).toBe(true);
  });

  it('misses tools for development only where they are needed', () => {
    expect(isInstalled(locked, { 'node_modules/zod': zod }, false)).toBe(true);
    expect(isInstalled(locked, { 'node_modules/zod': zod }, true)).toBe(false);
  });

  it('notices another version, and other contents under the same version', () => {
    expect(isInstalled(locked, { 'node_modules/zod': { ...zod, version: '4.6.6' } }, false)).toBe(false);
    expect(isInstalled(locked, { 'node_modules/zod': { ...zod, integrity: 'sha512-x' } }, false)).toBe(false);
  });
});

describe('installFailure', () => {
  it('names what npm named, and the next step', () => {
    const output = [
      'npm warn something else',
      'npm error code ENOTFOUND',
      'npm error network request to https://registry.example failed, reason: getaddrinfo ENOTFOUND',
      'npm error A complete log of this run can be found in: /root/.npm/_logs/x.log',
    ].join('\n');

    const sentence = installFailure(output);

    expect(sentence).toContain('getaddrinfo ENOTFOUND');
    expect(sentence).toContain('check the network connection');
    expect(sentence).not.toContain('_logs');
  });

  it('does not blame the network for a lock file that disagrees', () => {
    expect(installFailure('npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only')).toMatch(
      /run `npm install` once/,
    );
  });
});

describe('provideDependencies', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'signalbox-dependencies-'));
  });

  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it('asks nobody when everything is installed', async () => {
    const packages = { 'node_modules/zod': { version: '4.6.7', integrity: 'sha512-a' } };
    await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }));
    await mkdir(join(root, 'node_modules'));
    await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));

    // There is no package.json, so npm would fail.
    expect(await provideDependencies({ development: true, root })).toBeUndefined();
  });

  it('says so when there is no lock file', async () => {
    expect(await provideDependencies({ development: true, root })).toMatch(/package-lock\.json is missing/);
  });
});

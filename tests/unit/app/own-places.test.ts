import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../gateways/gateway-settings.ts';
import { openTools } from '../../../src/app/open-tools.ts';
import { checkWorkspace, ownFolders } from '../../../src/app/own-places.ts';
import { type Config, loadConfig } from '../../../src/config/load-config.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { StartupError } from '../../../src/domain/errors.ts';
import { createLogger } from '../../../src/observability/logger.ts';

let top: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'signalbox-places-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** The shipped configuration, as if it had been read from `top/conf`. */
function aConfig(workspace: string): Config<typeof gatewaySettings> {
  const shipped = loadConfig({ directory: 'config', env: {}, gateways: gatewaySettings });
  const { settings } = shipped;
  return {
    ...shipped,
    directory: join(top, 'conf'),
    settings: {
      ...settings,
      redis: { ...settings.redis, data_directory: join(top, 'data') },
      skills: { ...settings.skills, workspace: join(top, 'skills') },
      workspace: { ...settings.workspace, directory: workspace },
    },
  };
}

describe('the workspace', () => {
  it.each([
    ['the folder around the configuration', () => top],
    ['the configuration itself', () => join(top, 'conf')],
    ['a folder in the data', () => join(top, 'data', 'files')],
    ['a folder in the skills', () => join(top, 'skills', 'files')],
    ['the folder of .env', () => process.cwd()],
    ['a folder of the program', () => resolve('src', 'files')],
    ['what the program is built from', () => resolve('.git')],
    ['the folder around the program', () => dirname(resolve('.'))],
  ])('is not %s', (_, where) => {
    expect(() => checkWorkspace(aConfig(where()))).toThrow(StartupError);
  });

  it('is not opened for the tools of the agent where it is one of these', async () => {
    const options = (workspace: string) => ({
      config: () => aConfig(workspace),
      clock: systemClock,
      log: createLogger({ level: 'silent' }),
    });

    await expect(openTools(options(top))).rejects.toThrow('lie in one another');
    expect((await openTools(options(join(top, 'files')))).list().map(({ name }) => name)).toContain(
      'write_file',
    );
  });

  it('is not a link to one of them, nor one where a folder above it is such a link', () => {
    symlinkSync(top, join(top, 'round'));

    expect(() => checkWorkspace(aConfig(join(top, 'round')))).toThrow('lie in one another');
    expect(() => checkWorkspace(aConfig(join(top, 'round', 'conf', 'not-yet')))).toThrow(
      'lie in one another',
    );
  });

  it('may be a folder of its own, also beside the sources of the program', () => {
    expect(() => checkWorkspace(aConfig(join(top, 'files')))).not.toThrow();
    expect(() => checkWorkspace(aConfig(resolve('files')))).not.toThrow();
  });
});

describe('a script of a skill', () => {
  it('does not see the configuration, wherever it was read from', () => {
    expect(ownFolders(aConfig(join(top, 'files')))).toEqual(
      expect.arrayContaining([join(top, 'conf'), join(top, 'data'), join(top, 'files')]),
    );
  });
});

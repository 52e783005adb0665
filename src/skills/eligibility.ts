/**
 * Whether a skill can work here, found out when it is loaded, so that nobody finds out in the middle of a task.
 *
 *   operating system ─▶ programs ─▶ configuration ─▶ providers ─▶ this version ─▶ has somebody read it?
 *
 * All of it is looked at and everything that is missing is told, in this order: the first is the reason. What skills
 * require of each other is looked at in `shelf.ts`. Pure.
 */
import semver from 'semver';
import type { SkillSettings } from '../config/skills.ts';
import type { Requirements } from './front-matter.ts';
import { isThirdParty, type Skill } from './skill.ts';

/** In the order they are told, but for INVALID, which comes alone. */
export const SKILL_CODES = [
  'OS_INCOMPATIBLE',
  'MISSING_BINARY',
  'CONFIG_DISABLED',
  'MISSING_PROVIDER',
  'HOST_INCOMPATIBLE',
  'NOT_PINNED',
  'CONTENT_CHANGED',
  'MISSING_SKILL',
  'SKILL_INCOMPATIBLE',
  'CYCLIC_SKILLS',
  'INVALID',
] as const;
export type SkillCode = (typeof SKILL_CODES)[number];

/** One thing that keeps a skill from being used. */
export interface Lack {
  readonly code: SkillCode;
  /** What is missing: `ffmpeg`, `skills.entries.greeting.enabled`. */
  readonly missing: string;
  /** A sentence, with what to do. */
  readonly message: string;
}

/** What skills can build on here. */
export interface Host {
  /** As Node names it: `linux`, `darwin`. */
  readonly os: string;
  /** Of Signalbox. */
  readonly version: string;
  /** Platforms that run, the model, and groups of tools; also qualified: `platform:slack`, `tools:jira`. */
  readonly providers: ReadonlySet<string>;
  /** Whether a program of this name can be run. */
  hasBinary(name: string): boolean;
}

/** Everything that is missing, the reason first; empty for a skill that can be used. */
export function lacksOf(skill: Skill, host: Host, settings: SkillSettings): Lack[] {
  const { requires } = skill.reading.head;
  return [
    ...checkOs(requires, host),
    ...checkBinaries(requires, host),
    ...checkConfig(skill, settings),
    ...checkProviders(requires, host),
    ...checkVersion(requires, host),
    ...checkPin(skill, settings),
  ];
}

/** The name Node has for an operating system; undefined for one we do not know. */
export function toOsName(written: string): string | undefined {
  return OS_NAMES.get(written.trim().toLowerCase());
}

const OS_NAMES: ReadonlyMap<string, string> = new Map([
  ...['darwin', 'macos', 'mac', 'osx', 'mac os x'].map((name) => [name, 'darwin'] as const),
  ...['linux', 'gnu/linux'].map((name) => [name, 'linux'] as const),
  ...['win32', 'windows', 'win'].map((name) => [name, 'win32'] as const),
  ...['freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'android'].map((name) => [name, name] as const),
]);

function checkOs({ os }: Requirements, host: Host): Lack[] {
  const here = toOsName(host.os) ?? host.os;
  if (os.length === 0 || os.some((each) => (toOsName(each) ?? each) === here)) return [];
  const wanted = os.join(' or ');
  return [
    { code: 'OS_INCOMPATIBLE', missing: wanted, message: `It works on ${wanted}; this is ${host.os}.` },
  ];
}

function checkBinaries({ binaries }: Requirements, host: Host): Lack[] {
  return binaries
    .filter((name) => !host.hasBinary(name))
    .map((name) => ({
      code: 'MISSING_BINARY',
      missing: name,
      message: `The program ${name} is not on the PATH of this gateway. Install it and start again.`,
    }));
}

function checkConfig({ id, reading }: Skill, { entries, flags }: SkillSettings): Lack[] {
  const off: Lack[] =
    entries[id]?.enabled === false
      ? [
          {
            code: 'CONFIG_DISABLED',
            missing: `skills.entries.${id}.enabled`,
            message: `It is switched off: skills.entries.${id}.enabled of settings.yaml is false.`,
          },
        ]
      : [];
  const lowered = reading.head.requires.config
    .filter((flag) => !flags.includes(flag))
    .map(
      (flag): Lack => ({
        code: 'CONFIG_DISABLED',
        missing: flag,
        message: `It wants the switch ${flag}, which is not among skills.flags of settings.yaml.`,
      }),
    );
  return [...off, ...lowered];
}

function checkProviders({ providers }: Requirements, host: Host): Lack[] {
  const there = [...host.providers].filter((name) => !name.includes(':')).toSorted();
  return providers
    .filter((name) => !host.providers.has(name))
    .map((name) => ({
      code: 'MISSING_PROVIDER',
      missing: name,
      message: `There is no ${name} here. There is: ${there.join(', ') || 'nothing'}.`,
    }));
}

function checkVersion({ signalbox }: Requirements, host: Host): Lack[] {
  if (signalbox === undefined || semver.satisfies(host.version, signalbox, { includePrerelease: true }))
    return [];
  return [
    {
      code: 'HOST_INCOMPATIBLE',
      missing: `signalbox ${signalbox}`,
      message: `It wants Signalbox ${signalbox}; this is ${host.version}.`,
    },
  ];
}

/** What others wrote is data until somebody here has read it: then its hash stands in the configuration. */
function checkPin(skill: Skill, { entries, third_party: wish }: SkillSettings): Lack[] {
  const pinned = entries[skill.id]?.hash;
  if (!isThirdParty(skill) || skill.sha256 === undefined) return [];
  const key = `settings.skills.entries.${skill.id}.hash`;
  if (pinned === undefined) {
    if (wish === 'any') return [];
    const message = `Nobody here has said that they read it. Read ${skill.path}, then: signalbox config set ${key} ${skill.sha256}`;
    return [{ code: 'NOT_PINNED', missing: key, message }];
  }
  if (pinned === skill.sha256) return [];
  const message = `It is not what was read when its hash was written down. Read ${skill.path} again, then: signalbox config set ${key} ${skill.sha256}`;
  return [{ code: 'CONTENT_CHANGED', missing: key, message }];
}

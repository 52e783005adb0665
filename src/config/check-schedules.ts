/** What schedules and people name of each other: who is on call, whose hours count, which days are off. */
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import type { Contact, Contacts } from './contacts.ts';
import { unknownName } from './cross-check.ts';
import type { Schedule, SchedulesConfig } from './schedules.ts';

export interface ScheduleCheckInput {
  readonly schedules: Parsed<SchedulesConfig> | undefined;
  readonly contacts: Parsed<Contacts> | undefined;
}

/** Where one of the files cannot be read, nothing is held against its names. */
export function checkSchedules({ schedules, contacts }: ScheduleCheckInput): ConfigProblem[] {
  return [
    ...(schedules?.value && contacts ? checkOnCall(schedules.file, schedules.value, contacts.file) : []),
    ...(schedules?.value ? checkWorkingHours(schedules.file, schedules.value) : []),
    ...(schedules && contacts?.value ? checkPeople(contacts.file, contacts.value, schedules.file) : []),
  ];
}

function checkOnCall(file: ConfigFile, { on_call }: SchedulesConfig, contacts: ConfigFile): ConfigProblem[] {
  const known = { person: contacts.keysAt(['people']), 'holiday calendar': file.keysAt(['holidays']) };
  return Object.entries(on_call).flatMap(([name, schedule]) =>
    [...peopleAt(schedule), ...holidaysAt(schedule)].flatMap(({ at, kind, name: named }) =>
      unknownName(file, ['on_call', name, ...at], kind, named, known[kind]),
    ),
  );
}

function checkWorkingHours(file: ConfigFile, { working_hours }: SchedulesConfig): ConfigProblem[] {
  const known = file.keysAt(['holidays']);
  return Object.entries(working_hours).flatMap(([name, { holidays }]) =>
    holidays === undefined
      ? []
      : unknownName(file, ['working_hours', name, 'holidays'], 'holiday calendar', holidays, known),
  );
}

/** What somebody is called, and where. */
interface Named {
  readonly at: Path;
  readonly kind: 'person' | 'holiday calendar';
  readonly name: string;
}

function peopleAt({ rotations, overrides, fallback }: Schedule): Named[] {
  const named = [
    ...rotations.flatMap(({ people }, n) =>
      people.map((name, place) => ({ at: ['rotations', n, 'people', place], name })),
    ),
    ...overrides.flatMap(({ person, replaces }, n) => [
      { at: ['overrides', n, 'person'], name: person },
      { at: ['overrides', n, 'replaces'], name: replaces },
    ]),
    { at: ['fallback'], name: fallback },
  ];
  return named.flatMap(({ at, name }) => (name === undefined ? [] : [{ at, kind: 'person' as const, name }]));
}

function holidaysAt({ rotations }: Schedule): Named[] {
  return rotations.flatMap(({ restrict }, n) =>
    restrict?.holidays === undefined
      ? []
      : [
          {
            at: ['rotations', n, 'restrict', 'holidays'],
            kind: 'holiday calendar' as const,
            name: restrict.holidays,
          },
        ],
  );
}

/** Whose hours, days and nights are told by a clock, has to have one. */
function checkPeople(file: ConfigFile, { people }: Contacts, schedules: ConfigFile): ConfigProblem[] {
  const hours = schedules.keysAt(['working_hours']);
  return Object.entries(people).flatMap(([id, person]) => {
    const at = ['people', id];
    return [
      ...(person.working_hours === undefined
        ? []
        : unknownName(file, [...at, 'working_hours'], 'working hours', person.working_hours, hours)),
      ...checkZone(file, at, person),
      ...checkStandIns(file, id, person),
    ];
  });
}

function checkZone(
  file: ConfigFile,
  at: Path,
  { time_zone, working_hours, ...person }: Contact,
): ConfigProblem[] {
  if (time_zone !== undefined || working_hours !== undefined) return [];
  const needing = person.absences !== undefined ? 'absences' : 'quiet_hours';
  if (person[needing] === undefined) return [];
  return [
    file.problemAt([...at, 'time_zone'], {
      expected: 'an IANA time zone such as Europe/Berlin, or working_hours, which have one',
      hint: `${needing} are on their own clock, and it is not said where that hangs`,
    }),
  ];
}

function checkStandIns(file: ConfigFile, id: string, { absences = [], name }: Contact): ConfigProblem[] {
  const people = file.keysAt(['people']);
  return absences.flatMap(({ stand_in }, n) => {
    const at = ['people', id, 'absences', n, 'stand_in'];
    if (stand_in === undefined) return [];
    if (stand_in !== id) return unknownName(file, at, 'person', stand_in, people);
    return [file.problemAt(at, { expected: `somebody else than ${name}, who is away` })];
  });
}

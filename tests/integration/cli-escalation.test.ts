/** `signalbox escalation lint` and `simulate`, as they are typed; the examples are those of docs/escalation.md. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliHome, createCliHome } from '../support/cli.ts';

const PAGE = readFileSync('docs/escalation.md', 'utf8');
let home: CliHome;

beforeAll(() => {
  home = createCliHome();
  writeFileSync(join(home.configDirectory, 'schedules.yaml'), yamlOf('schedules'));
  appendFileSync(join(home.configDirectory, 'escalation.yaml'), yamlOf('escalation'));
});
afterAll(() => home.remove());

describe('signalbox escalation simulate', () => {
  it('OM-053 prints who would be called, when and why, as the page shows it', async () => {
    const { code, out } = await home.run(...wordsOf('simulate'));

    expect({ code, out: out.trim() }).toEqual({ code: 0, out: outputOf('simulate') });
  });

  it('takes any moment of the calendar, however long ago', async () => {
    const at = '0001-01-01T00:00 UTC';
    const { code, out } = await home.run('escalation', 'simulate', '--policy', 'duty', '--at', at);

    expect(code).toBe(0);
    expect(out).toMatch(/reported \w{3} 0?1 Jan, 00:00/);
  });

  it('tells times apart that clocks show twice, and those after clocks were set back', async () => {
    const at = '2027-10-31T02:30 Europe/Paris';
    const { code, out } = await home.run('escalation', 'simulate', '--policy', 'duty', '--at', at);

    const times = out.match(/^Sun 31 Oct, \S+(?: \S+)?/gm);
    expect(code).toBe(0);
    expect(out).toContain('reported Sun 31 Oct, 02:30 +02:00 (Europe/Paris)');
    expect([...new Set(times)]).toEqual([
      'Sun 31 Oct, 02:30:10 +02:00',
      'Sun 31 Oct, 02:35:10 +02:00',
      'Sun 31 Oct, 02:40 +02:00',
      'Sun 31 Oct, 02:40:10 +02:00',
      'Sun 31 Oct, 02:45:10 +02:00',
      'Sun 31 Oct, 02:50:10 +02:00',
      'Sun 31 Oct, 02:30:10 +01:00',
      'Sun 31 Oct, 02:32:10 +01:00',
    ]);
    expect(out).toContain('on Sun 31 Oct, 02:30:10 +01:00. From then on');
  });

  it('prints the same for programs', async () => {
    const { code, out } = await home.run(...wordsOf('simulate'), '--json');

    const json = JSON.parse(out);
    expect(code).toBe(0);
    expect(json).toMatchObject({
      policy: 'duty',
      severity: 'warning',
      at: '2027-03-28T01:00:00.000Z',
      zone: 'Europe/Paris',
      end: { kind: 'exhausted', at: '2027-03-28T02:00:10.000Z' },
    });
    expect(json.happenings[0]).toMatchObject({
      at: '2027-03-28T01:00:10.000Z',
      told: '2027-03-28T01:00:10.000Z',
      kind: 'call',
      step: { round: 0, step: '1' },
      reason: { kind: 'found', found: { because: { kind: 'rotation', name: 'week by week' } } },
    });
  });

  it('does not promise a call where nobody of the last resort can be called, and names every moment', async () => {
    const nobody = createCliHome();
    try {
      nobody.edit(
        'contacts.yaml',
        '    # working_hours: office\n',
        '    absences: [{ from: 2027-03-01, to: 2027-05-30 }]\n    time_zone: UTC\n',
      );
      appendFileSync(
        join(nobody.configDirectory, 'escalation.yaml'),
        'escalations:\n  duty: { steps: [{ notify: dana }, { wait: 5m }], last_resort: dana }\n',
      );
      const words = ['escalation', 'simulate', '--policy', 'duty', '--at', '2027-03-29T10:00 UTC'];

      const { out } = await nobody.run(...words);
      const json = JSON.parse((await nobody.run(...words, '--json')).out);

      expect(out).toContain(
        'From then on it is looked again whether anybody of the last resort can be called, every 4 h.',
      );
      expect(json.happenings[0]).toMatchObject({
        missing: { kind: 'away', person: 'dana', until: '2027-05-31T00:00:00.000Z' },
      });
    } finally {
      await nobody.remove();
    }
  });

  it.each([
    [['--policy', 'dty'], 'There is no escalation policy "dty" in escalation.yaml. Did you mean duty?'],
    [
      ['--policy', 'duty', '--at', 'soon'],
      '"soon" is no moment: write a date, a time and a zone, "2027-03-28T02:40 Europe/Paris"',
    ],
    [
      ['--policy', 'duty', '--at', '2027-03-28T02:40 Europe/Pari'],
      '"Europe/Pari" is no time zone: did you mean Europe/Paris?',
    ],
    [
      ['--policy', 'duty', '--for', 'ever'],
      '"ever" is no length here: write a duration such as 500ms, 30s, 15m, 24h, 7d or 2w',
    ],
    [['--policy', 'duty', '--severity', 'bad'], 'Allowed choices are info, warning, error, critical.'],
  ])('says what is wrong with %j, and what would be right', async (args, message) => {
    const { code, out, err } = await home.run('escalation', 'simulate', ...args);

    expect(code).not.toBe(0);
    expect(out).toBe('');
    expect(err).toContain(message);
  });
});

describe('signalbox escalation lint', () => {
  it('says what each policy comes to; who is on call changes, so it is not the same every week', async () => {
    const { code, out } = await home.run('escalation', 'lint');

    const isEveryWeek = (text: string) => text.replace(/(nobody acted: ).*(exhausted)/, '$1$2').trim();
    expect(code).toBe(0);
    expect(isEveryWeek(out)).toBe(isEveryWeek(outputOf('lint')));
    expect(out).toMatch(/nobody acted: .*exhausted after 1 h 10 s$/m);
  });

  it('refuses files with mistakes, with the place and the nearest name', async () => {
    const broken = createCliHome();
    try {
      appendFileSync(
        join(broken.configDirectory, 'escalation.yaml'),
        'escalations:\n  duty: { steps: [{ notify: dna }, { wait: 5m }], last_resort: dana }\n',
      );

      const { code, err } = await broken.run('escalation', 'lint');

      expect(code).toBe(1);
      expect(err).toContain('escalations.duty.steps[0].notify');
      expect(err).toContain('did you mean dana?');
    } finally {
      await broken.remove();
    }
  });
});

/** The example of one file. */
function yamlOf(part: string): string {
  const [, yaml = ''] =
    new RegExp(`\`\`\`yaml\\n# config/${part}.yaml\\n([\\s\\S]*?)\`\`\``).exec(PAGE) ?? [];
  return yaml;
}

/** What the page says is printed by a command. */
function outputOf(command: string): string {
  const [, output = ''] =
    new RegExp(`\\$ npx signalbox escalation ${command}.*\\n([\\s\\S]*?)\`\`\``).exec(PAGE) ?? [];
  return output.trim();
}

/** The command as the page has it. */
function wordsOf(command: string): string[] {
  const [, line = ''] = new RegExp(`\\$ npx signalbox (escalation ${command}.*)\\n`).exec(PAGE) ?? [];
  return [...line.matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

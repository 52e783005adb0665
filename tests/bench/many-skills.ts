/** Many skills, and messages that call for some of them: the same in every run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Words the skills and messages are made of; a skill has some of its own, too. */
const WORDS =
  'order refund invoice parcel delivery customer release deploy staging production incident outage alert login password report digest backlog ticket sprint contract renewal quote discount stock warehouse return shipping address payment card chargeback'.split(
    ' ',
  );

/** As a folder of so many skills. */
export function writeSkills(folder: string, skills: number): void {
  for (let n = 0; n < skills; n++) writeSkill(join(folder, `skill-${n}`), n);
}

/** A few sentences, of which some call for a skill. */
export function messageOf(n: number, skills: number): string {
  const words = Array.from({ length: 40 }, (_, at) =>
    at % 3 === 0 ? word(n * 31 + at * 17) : `filler${(n * at) % 97}`,
  );
  return `${words.join(' ')}. Please look into topic${n % skills}, and say what you think of it.`;
}

/** About as long as skills are: a head of a dozen lines, a body of two pages. */
function writeSkill(folder: string, n: number): void {
  const [a, b, c] = [word(n), word(n * 7 + 1), word(n * 13 + 2)];
  mkdirSync(folder, { recursive: true });
  const head = [
    `name: skill-${n}`,
    `description: How to handle the ${a} of a ${b} when ${c} number ${n} is asked about. Use for ${a} and ${b}.`,
    'version: 1.2.0',
    'keywords:',
    ...[`${a} ${b}`, `${b} topic${n}`, `topic${n}`, `${c} case ${n}`, `own${n}`].map((each) => `  - ${each}`),
    'requires:',
    '  os: [linux, darwin]',
    '  providers: [slack]',
  ];
  const body = `# Skill ${n}\n\n${`Ask which ${a} it is, then look at the ${b} and say what you found.\n`.repeat(80)}`;
  writeFileSync(join(folder, 'SKILL.md'), `---\n${head.join('\n')}\n---\n\n${body}`);
}

function word(n: number): string {
  return WORDS[n % WORDS.length] ?? '';
}

/**
 * The part of JQL that the emulation understands, read and applied properly; the rest is refused as Jira refuses what
 * it does not know.
 *
 *   project = OPS AND (status != Done OR assignee in (currentUser(), "…")) AND updated >= -30m ORDER BY updated DESC
 */
import { PRIORITIES, STATUSES, type User } from './catalogue.ts';
import { RESERVED_WORDS } from './reserved-words.ts';
import type { Issue, World } from './world.ts';

/** What Jira says of a query it does not understand; answered with 400. */
export class JqlError extends Error {}

export interface Query {
  /** There is something to match, not an order alone. */
  readonly isBounded: boolean;
  matches(issue: Issue): boolean;
  compare(one: Issue, other: Issue): number;
}

export interface JqlContext {
  readonly world: World;
  readonly user: User;
  readonly now: number;
}

/** @throws {JqlError} with the sentence Jira answers */
export function parseJql(jql: string, context: JqlContext): Query {
  const parser = new Parser(tokens(jql), context);
  return parser.query();
}

interface Token {
  readonly text: string;
  readonly isQuoted: boolean;
}

function tokens(jql: string): Token[] {
  const found: Token[] = [];
  const pattern =
    /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(!=|!~|>=|<=|[=<>~(),])|([^\s"'=<>~!(),]+))/gy;
  let end = 0;
  for (let match = pattern.exec(jql); match; match = pattern.exec(jql)) {
    const [, double, single, operator, word] = match;
    const quoted = double ?? single;
    found.push(
      quoted === undefined
        ? { text: operator ?? word ?? '', isQuoted: false }
        : { text: quoted.replaceAll(/\\(.)/g, '$1'), isQuoted: true },
    );
    end = pattern.lastIndex;
  }
  if (jql.slice(end).trim() !== '') {
    throw new JqlError(
      `Error in the JQL Query: The character '${jql.slice(end).trim()[0]}' is not expected here.`,
    );
  }
  return found;
}

type Test = (issue: Issue) => boolean;
type Key = 'created' | 'updated' | 'key' | 'summary' | 'status' | 'priority';

const ORDERS: Readonly<Record<Key, (issue: Issue) => number | string>> = {
  created: ({ created }) => created,
  updated: ({ updated }) => updated,
  key: ({ id }) => Number(id),
  summary: ({ summary }) => summary,
  status: ({ status }) => status,
  priority: ({ priority }) => priority,
};

class Parser {
  #at = 0;

  constructor(
    private readonly all: readonly Token[],
    private readonly context: JqlContext,
  ) {}

  query(): Query {
    const isBounded = this.#at < this.all.length && !this.#isWord('order');
    const test = isBounded ? this.#either() : () => true;
    const compare = this.#isWord('order') ? this.#order() : () => 0;
    if (this.#at < this.all.length) throw this.#unexpected();
    return { isBounded, matches: test, compare };
  }

  #either(): Test {
    const tests = [this.#both()];
    while (this.#take('or')) tests.push(this.#both());
    return (issue) => tests.some((test) => test(issue));
  }

  #both(): Test {
    const tests = [this.#one()];
    while (this.#take('and')) tests.push(this.#one());
    return (issue) => tests.every((test) => test(issue));
  }

  #one(): Test {
    if (this.#take('not')) {
      const test = this.#one();
      return (issue) => !test(issue);
    }
    if (this.#take('(')) {
      const test = this.#either();
      this.#expect(')');
      return test;
    }
    return this.#clause();
  }

  #clause(): Test {
    const field = this.#next().text.toLowerCase();
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'not in' ? this.#list() : [this.#value()];
    switch (field) {
      case 'project':
        return equality(operator, values, ({ project }) => [project]);
      case 'key':
      case 'issuekey':
      case 'issue':
      case 'id':
        return equality(operator, values, ({ key, id }) => [key, id]);
      case 'status':
        return equality(operator, values, ({ status }) => [
          status,
          STATUSES.find(({ id }) => id === status)?.name,
        ]);
      case 'statuscategory':
        return equality(operator, values, ({ status }) => [
          CATEGORIES[STATUSES.find(({ id }) => id === status)?.category ?? 'new'],
        ]);
      case 'priority':
        return equality(operator, values, ({ priority }) => [
          PRIORITIES.find(({ id }) => id === priority)?.name,
        ]);
      case 'labels':
        return equality(operator, values, ({ labels }) => labels);
      case 'assignee':
        return equality(operator, values, ({ assignee }) => [assignee ?? 'empty']);
      // Who creates an issue here reports it.
      case 'creator':
      case 'reporter':
        return equality(operator, values, ({ reporter }) => [reporter]);
      case 'text':
      case 'summary':
      case 'description':
      case 'comment':
        return this.#contains(field, operator, values[0] ?? '');
      case 'created':
      case 'updated':
        return this.#since(field, operator, values[0] ?? '');
      default:
        throw new JqlError(`Field '${field}' does not exist or you do not have permission to view it.`);
    }
  }

  #contains(field: string, operator: string, wanted: string): Test {
    if (operator !== '~' && operator !== '!~') {
      throw new JqlError(`The operator '${operator}' is not supported by the '${field}' field.`);
    }
    const { world } = this.context;
    const words = wanted
      .toLowerCase()
      .replaceAll(/[*"\\]/g, ' ')
      .split(/\s+/)
      .filter(Boolean);
    const textOf = (issue: Issue): string => {
      const comments = world.commentsOf(issue).map(({ body }) => body);
      const texts = { summary: [issue.summary], description: [issue.description ?? ''], comment: comments };
      if (field === 'summary' || field === 'description' || field === 'comment')
        return texts[field].join('\n');
      return Object.values(texts).flat().join('\n');
    };
    const isThere = (issue: Issue) => words.every((word) => textOf(issue).toLowerCase().includes(word));
    return operator === '~' ? isThere : (issue) => !isThere(issue);
  }

  /** Minutes are the finest thing JQL knows, and dates are in the reader's time zone. */
  #since(field: 'created' | 'updated', operator: string, value: string): Test {
    const at = Math.floor(this.#timeOf(value) / MINUTE_MS);
    const minuteOf = (issue: Issue) => Math.floor(issue[field] / MINUTE_MS);
    switch (operator) {
      case '>=':
        return (issue) => minuteOf(issue) >= at;
      case '>':
        return (issue) => minuteOf(issue) > at;
      case '<=':
        return (issue) => minuteOf(issue) <= at;
      case '<':
        return (issue) => minuteOf(issue) < at;
      case '=':
        return (issue) => minuteOf(issue) === at;
      default:
        throw new JqlError(`The operator '${operator}' is not supported by the '${field}' field.`);
    }
  }

  #timeOf(value: string): number {
    const [, sign, period] = /^([+-]?)((?:\d+[wdhm]\s*)+)$/.exec(value) ?? [];
    if (period !== undefined) {
      const parts = [...period.matchAll(/(\d+)([wdhm])/g)];
      const ms = parts.reduce(
        (sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ''] ?? 0),
        0,
      );
      return this.context.now + (sign === '-' ? -ms : ms);
    }
    const [, year, month, day, hour = '00', minute = '00'] =
      /^(\d{4})[-/](\d{2})[-/](\d{2})(?: (\d{2}):(\d{2}))?$/.exec(value) ?? [];
    if (year === undefined) {
      throw new JqlError(
        `Date value '${value}' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.`,
      );
    }
    const asUtc = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
    const { timeZone } = this.context.user;
    // The first guess may lie beyond a change of the clocks; the offset there is not the one here.
    return asUtc - offsetMs(timeZone, asUtc - offsetMs(timeZone, asUtc));
  }

  #order(): Query['compare'] {
    this.#expect('order');
    this.#expect('by');
    const keys: { of: (issue: Issue) => number | string; sign: 1 | -1 }[] = [];
    do {
      const name = this.#next().text.toLowerCase();
      const known = Object.entries(ORDERS).find(([key]) => key === name)?.[1];
      if (!known)
        throw new JqlError(`Field '${name}' does not exist or you do not have permission to view it.`);
      const isDown = this.#take('desc');
      if (!isDown) this.#take('asc');
      keys.push({ of: known, sign: isDown ? -1 : 1 });
    } while (this.#take(','));
    return (one, other) => {
      for (const { of, sign } of keys) {
        const [a, b] = [of(one), of(other)];
        if (a !== b) return a < b ? -sign : sign;
      }
      return 0;
    };
  }

  #operator(): string {
    const { text } = this.#next();
    const operator = text.toLowerCase();
    if (operator === 'not') {
      this.#expect('in');
      return 'not in';
    }
    if (operator === 'is') return this.#take('not') ? '!=' : '=';
    if (['=', '!=', '~', '!~', '>', '>=', '<', '<=', 'in'].includes(operator)) return operator;
    throw new JqlError(
      `Error in the JQL Query: Expecting operator but got '${text}'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.`,
    );
  }

  #list(): string[] {
    this.#expect('(');
    const values = [this.#value()];
    while (this.#take(',')) values.push(this.#value());
    this.#expect(')');
    return values;
  }

  #value(): string {
    const { text, isQuoted } = this.#next();
    if (!isQuoted && this.#take('(')) {
      this.#expect(')');
      if (text.toLowerCase() !== 'currentuser') {
        throw new JqlError(`Unable to find JQL function '${text}()'.`);
      }
      return this.context.user.accountId;
    }
    if (!isQuoted && RESERVED_WORDS.has(text.toLowerCase())) {
      throw new JqlError(
        `Error in the JQL Query: '${text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.`,
      );
    }
    return text;
  }

  #next(): Token {
    const token = this.all[this.#at];
    if (!token)
      throw new JqlError(
        'Error in the JQL Query: Expecting either a value, list or function before the end of the query.',
      );
    this.#at += 1;
    return token;
  }

  #isWord(word: string): boolean {
    const token = this.all[this.#at];
    return token !== undefined && !token.isQuoted && token.text.toLowerCase() === word;
  }

  #take(word: string): boolean {
    if (!this.#isWord(word)) return false;
    this.#at += 1;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw this.#unexpected(word);
  }

  #unexpected(wanted = 'OR or AND'): JqlError {
    const found = this.all[this.#at]?.text ?? 'the end of the query';
    return new JqlError(`Error in the JQL Query: Expecting '${wanted}' but got '${found}'.`);
  }
}

const MINUTE_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 24 * 60 * MINUTE_MS,
  w: 7 * 24 * 60 * MINUTE_MS,
};
const CATEGORIES: Readonly<Record<string, string>> = {
  new: 'To Do',
  indeterminate: 'In Progress',
  done: 'Done',
};

function equality(
  operator: string,
  wanted: readonly string[],
  namesOf: (issue: Issue) => readonly (string | undefined)[],
): Test {
  if (!['=', '!=', 'in', 'not in'].includes(operator)) {
    throw new JqlError(`The operator '${operator}' is not supported by this field.`);
  }
  const names = new Set(wanted.map((name) => name.toLowerCase()));
  const isOne = (issue: Issue) =>
    namesOf(issue).some((name) => name !== undefined && names.has(name.toLowerCase()));
  return operator === '=' || operator === 'in' ? isOne : (issue) => !isOne(issue);
}

/** How far a time zone is ahead of UTC at that moment, in ms. */
function offsetMs(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
  const ms = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return sign === '-' ? -ms : ms;
}

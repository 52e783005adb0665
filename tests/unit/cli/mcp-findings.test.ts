import { describe, expect, it } from 'vitest';
import { mcpFindings } from '../../../src/cli/mcp-findings.ts';
import { McpSettings } from '../../../src/config/mcp.ts';
import { agree, EMPTY_BOOK, type PinBook, sawTools } from '../../../src/mcp/pins.ts';
import type { Probed } from '../../../src/mcp/probe.ts';
import { type ReadDefinition, readDefinition } from '../../../src/mcp/tool-definition.ts';

const NOW_MS = 1_000_000;
const PROGRAM = { command: 'tracker-mcp' };

const tool = (name: string, description = 'Finds issues.'): ReadDefinition =>
  readDefinition({ name, description, inputSchema: { type: 'object' } });

function agreedTo(...read: ReadDefinition[]): PinBook {
  const { next = EMPTY_BOOK } = sawTools(EMPTY_BOOK, read, 1);
  const agreement = agree(next, { by: 'dana' }, 2);
  return agreement.kind === 'agreed' ? agreement.next : next;
}

function findings(probed: Probed | undefined, book: PinBook | undefined, server: object = PROGRAM) {
  const settings = McpSettings.parse({ servers: { tracker: server } }).servers.tracker!;
  return mcpFindings({ server: 'tracker', settings, probed, book, nowMs: NOW_MS });
}

const answers = (...read: ReadDefinition[]): Probed => ({ kind: 'answers', read });

describe('what check says of an MCP server', () => {
  it('says that it answers, and what of it somebody has agreed to', () => {
    expect(findings(answers(tool('search')), agreedTo(tool('search')))).toEqual([
      { subject: 'tracker', status: 'works', detail: 'answers, with 1 tool, 1 agreed to' },
    ]);
  });

  it('names what waits for somebody, by what the server says now, with the command to look at it', () => {
    const odd = readDefinition({ name: 'odd' });

    const [works, waits] = findings(
      answers(tool('search', 'Something else.'), tool('create'), odd),
      agreedTo(tool('search')),
    );

    expect(works?.detail).toBe(
      'answers, with 3 tools, 0 agreed to, 1 that cannot be used (signalbox mcp list)',
    );
    expect(waits).toEqual({
      subject: 'tools of tracker',
      status: 'missing',
      detail: '2 tools are held back until somebody agrees: create (new), search (changed)',
      remedy: expect.stringContaining('signalbox mcp review tracker'),
    });
  });

  it('names five of many, and counts the others', () => {
    const many = Array.from({ length: 9 }, (_, n) => tool(`t${n}`));

    expect(findings(answers(...many), EMPTY_BOOK)[1]?.detail).toMatch(/t4 \(new\), 4 more$/);
  });

  it.each([
    [PROGRAM, /mcp\.servers\.tracker\.command/],
    [{ url: 'https://mcp.test/' }, /mcp\.servers\.tracker\.url/],
  ])('fails when %j does not answer, and says what to check', (server, remedy) => {
    expect(findings({ kind: 'silent', why: 'it did not answer in time' }, EMPTY_BOOK, server)).toEqual([
      {
        subject: 'tracker',
        status: 'failed',
        detail: 'it did not answer in time',
        remedy: expect.stringMatching(remedy),
      },
    ]);
  });

  it('calls nothing new where it is not known what was agreed to', () => {
    expect(findings(answers(tool('search')), undefined)).toEqual([
      { subject: 'tracker', status: 'works', detail: expect.stringContaining('could not be read') },
    ]);
  });

  it('asks nobody to agree to a tool that is switched off', () => {
    const server = { ...PROGRAM, tools: { create: { enabled: false } } };

    const some = findings(answers(tool('search'), tool('create')), EMPTY_BOOK, server);
    const none = findings(answers(tool('create')), EMPTY_BOOK, server);

    expect(some[1]?.detail).toBe('1 tool is held back until somebody agrees: search (new)');
    expect(none.map(({ status }) => status)).toEqual(['works']);
  });

  it('leaves one alone that is switched off', () => {
    expect(findings(undefined, EMPTY_BOOK, { ...PROGRAM, enabled: false })).toMatchObject([
      { status: 'works', detail: expect.stringContaining('switched off') },
    ]);
  });
});

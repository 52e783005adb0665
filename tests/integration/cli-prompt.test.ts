/** `signalbox prompt`, as it is typed; and that what it prints is what the model is sent. */
import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';
import { blocksOf } from '../../src/sandbox/claude/messages-request.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { said } from '../support/transcripts.ts';

vi.setConfig({ testTimeout: 120_000 });

/** No shape gives it away. */
const SECRET = 'plain-words-as-a-key';

let home: CliHome;

beforeEach(() => {
  home = createCliHome('shared', { ANTHROPIC_API_KEY: SECRET });
});
afterEach(() => home.remove());

interface Printed {
  readonly mode: string;
  readonly skills: readonly string[];
  readonly sections: readonly { name: string; priority: number; said: string | null; why?: string }[];
  readonly system: { readonly chars: number; readonly tokens: number };
  readonly turn: { readonly chars: number };
  readonly tools: { readonly count: number };
  readonly notes: readonly string[];
  readonly text?: { readonly system: string; readonly turn: string };
}

async function prompt(...args: string[]): Promise<Printed> {
  const { out, err } = await home.run('prompt', '--json', ...args);
  expect(err).toBe('');
  return JSON.parse(out);
}

const saidIn = ({ sections }: Printed) =>
  sections.filter(({ said }) => said !== null).map(({ name }) => name);

describe('signalbox prompt', () => {
  it('OB-020 prints the sections in their order, with what each comes to and whether it is said', async () => {
    const { code, out } = await home.run('prompt', '--person', 'alex', '--message', 'please refund order 7');

    expect(code).toBe(0);
    const rows = out.split('\n').map((line) => line.split(/ {2,}/));
    const names = rows.map(([name]) => name).filter((name) => /^[A-Z]{3,}$/.test(name ?? ''));
    expect(names).toEqual(
      'SECTION CONTEXT IDENTITY SECURITY FORMATTING LANGUAGE TOOLS NOW SKILLS MEMORY REASONING CUSTOM'.split(
        ' ',
      ),
    );
    expect(rows).toContainEqual(['IDENTITY', '90', 'minimal', 'on', 'system', '442', '169']);
    expect(rows.find(([name]) => name === 'SKILLS')).toMatchObject({ 4: 'turn' });
    expect(rows.find(([name]) => name === 'MEMORY')).toMatchObject({ 4: '– nothing to say', 5: '0' });
    expect(out).toMatch(/Skills that fit: .*refund-policy/);
    expect(out).not.toContain('You are Signalbox.');
  });

  it('OB-014 matches directives and skills as a turn does, and takes the mode of the message before any other', async () => {
    const bare = await prompt('--mode', 'none');
    const asked = await prompt('--mode', 'none', '--message', '/quiet /reasoning /minimal refund order 7');

    expect([bare.mode, saidIn(bare)]).toEqual(['none', ['IDENTITY', 'SECURITY']]);
    expect([asked.mode, saidIn(asked)]).toEqual([
      'minimal',
      ['IDENTITY', 'SECURITY', 'LANGUAGE', 'REASONING'],
    ]);
    expect(asked.tools.count).toBeLessThan(bare.tools.count);
    expect(asked.sections.find(({ name }) => name === 'TOOLS')?.why).toBe('not in mode minimal');
  });

  it('OM-180 leaves a message all its tools where the skill that would take some is not said', async () => {
    const plain = await prompt('--person', 'alex', '--message', '/quiet good morning');
    const called = await prompt('--person', 'alex', '--message', '/quiet standup for OPS');
    const said = await prompt('--person', 'alex', '--message', 'standup for OPS');

    expect(called.sections.find(({ name }) => name === 'SKILLS')).toMatchObject({
      said: null,
      why: 'not in mode minimal',
    });
    expect(called.skills).toEqual([]);
    expect(called.tools.count).toBe(plain.tools.count);
    expect(said.tools.count).toBeLessThan(plain.tools.count);
  });

  it('prints with --full the very bytes the model is sent', async () => {
    const claude = new ClaudeSandbox({ now: Date.now });
    const app = fastify({ forceCloseConnections: true });
    claude.register(app);
    await claude.start();
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    const own = createCliHome('shared', {
      ANTHROPIC_API_KEY: SECRET,
      ANTHROPIC_BASE_URL: `${origin}/claude`,
      SANDBOX_URL: origin,
    });
    try {
      // What a minute would change.
      own.edit('settings.yaml', /$/, '\nprompt:\n  sections: { context: { enabled: false } }\n');
      claude.script(() => ({ text: 'Fine.' }));
      await own.runWith(['please refund order 7'], 'chat', '--no-sandbox');
      const message = ['--person', 'dana', '--message', 'please refund order 7'];
      const { out } = await own.run('prompt', '--full', '--json', ...message);

      const { text }: Printed = JSON.parse(out);
      const [request] = claude.requests;
      expect(JSON.stringify(request?.system)).toContain(JSON.stringify(text?.system).slice(1, -1));
      const heard = request!.messages
        .flatMap(blocksOf)
        .map((block) => JSON.stringify(block))
        .join('\n');
      expect(heard).toContain(JSON.stringify(text?.turn).slice(1, -1));
    } finally {
      await own.remove();
      await claude.stop();
      await app.close();
    }
  });

  it('prints no secret of the configuration, and nothing that looks like one', async () => {
    home.edit(
      'settings.yaml',
      /$/,
      `\nprompt:\n  instructions: "Use \${ANTHROPIC_API_KEY} and xoxb-123456789012-abcdefghijkl."\n`,
    );

    const words = await home.run('prompt', '--full');
    const json = await home.run('prompt', '--full', '--json');

    expect(words.out).toContain('Use [redacted] and [redacted]');
    for (const { out } of [words, json]) {
      expect(out).not.toContain(SECRET);
      expect(out).not.toContain('xoxb-');
    }
  });

  it('tells with --conversation what is remembered, to whoever runs the gateway and to nobody else', async () => {
    const here = ConversationId.parse('slack:T0:C0:1');
    const alex = PersonId.parse('alex');
    const stores = await home.openStores();
    const entry = said('please refund order 7', 1);
    await stores.writer.write(here, [{ kind: 'entry', conversationId: here, entry, keepMs: 3_600_000 }]);
    await stores.memory.setConsent(alex, true);
    await stores.memory.keepProfile(alex, { text: 'Likes short answers.' }, 1);
    stores.close();

    const kept = await prompt('--full', '--person', 'alex', '--conversation', here);
    const unknown = await home.run('prompt', '--conversation', 'slack:T0:C0:2');
    home.edit('contacts.yaml', 'cli: local', 'cli: somebody');
    home.edit('contacts.yaml', /(alex:[\s\S]*?accounts:\n)/, '$1      cli: local\n');
    const refused = await home.run('prompt', '--conversation', here);

    expect(kept.text?.turn).toContain('Likes short answers.');
    expect(kept.skills.join()).toContain('refund-policy');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('there is no conversation')]);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toMatch(/may not see what a conversation is told/);
  });

  it('says when somebody would have to agree first, and what of the message another word took the place of', async () => {
    const { notes } = await prompt('--person', 'alex', '--message', '/coding /elevated /messaging hello');

    expect(notes).toEqual([
      expect.stringMatching(/^\/elevated: somebody is asked first/),
      'Overridden by what stands behind it: /coding.',
    ]);
  });

  it.each([
    [['--person', 'alx'], /no alx in contacts\.yaml\. Did you mean alex\?/],
    [['--platform', 'slak'], /no platform slak\. Did you mean slack\?/],
    [['--mode', 'huge'], /Allowed choices are full, minimal, none/],
  ])('says what there is instead of %j', async (args, told) => {
    const { code, err } = await home.run('prompt', ...args);

    expect(code).not.toBe(0);
    expect(err).toMatch(told);
  });
});

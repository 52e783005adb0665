/**
 * What the stand-in for Claude answers: a list to be read from top to bottom, the first rule that fits decides.
 *
 * A rule looks at the latest thing that came in, and only at that:
 *   said     what a person wrote
 *   result   what one tool call gave back
 *   event    what the gateway tells the model meanwhile happened: a decision, a call that was run
 *
 * An answer is a text, calls to tools, or both. A call to a tool that was not offered becomes a sentence saying so.
 */
import { LONG_ANSWER } from './long-answer.ts';
import type { OfferedTool } from './messages-request.ts';

export interface Moment {
  readonly kind: 'said' | 'result' | 'event';
  readonly text: string;
  /** The tool that gave the result; only for `result`. */
  readonly tool: string | undefined;
  readonly isError: boolean;
  readonly offered: readonly OfferedTool[];
  /** What the gateway says about files that came with it: name, kind, size, and what can be read of each. */
  readonly files: readonly string[];
}

export interface WantedCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface RuleAnswer {
  readonly text: string;
  readonly calls?: readonly WantedCall[];
  /** `slow` comes word by word with pauses, so that people see it grow. */
  readonly pace?: 'slow';
}

interface Rule {
  readonly when: RegExp;
  /** Only for `result`: the one tool whose results this is about. */
  readonly of?: string;
  /** Only when files came with it. */
  readonly withFiles?: true;
  readonly say: string | ((match: RegExpMatchArray, moment: Moment) => RuleAnswer);
}

/** Under every answer, so that nobody takes the stand-in for the real one. */
export const STAND_IN_NOTE = '_I am the sandbox’s stand-in for Claude: a short list of rules, no model._';

/** A mark in square brackets begins what the gateway says; what people say begins with their name. */
const EVENT_MARK = /^\[[a-z][\w -]*\]\s+/i;

/** How the gateway introduces a file; what is in the file follows behind bars and is none of the rules' business. */
const FILE_NOTE = /^\[[a-z][\w -]*\][^\n]*? sent a file along: ([^\n]*)/i;

/** How the gateway reports what became of a call: the call, one word for the outcome, then what there is to say. */
const OUTCOME = /^Approval \S+ for the call .*?\}: \w+\. /s;

/** What the call told, in lines behind bars below; the gateway's sentence says where it belongs. */
const TOLD = /what it told stands below(.*)\n\[[a-z][\w -]*\][^\n]*\n((?: {4}\| [^\n]*(?:\n|$))+)/is;

const A_HUMAN = String.raw`(?:an?\s+(?:real\s+|live\s+)?(?:human|person|agent)|some(?:body|one)\s+real)\b`;

/** Somebody wants one to come, and does not say the opposite; with the rest of the line, which may say why. */
const WISH_FOR_HUMAN = new RegExp(
  [
    String.raw`(?<!(?:n[’']t|\bnot|\bnever)\s+(?:(?:want|need)\s+to\s+)?)`,
    String.raw`\b(?:(?:get\s+me|want|need|(?:speak|talk)\s+(?:to|with))\s+${A_HUMAN}`,
    String.raw`|(?:can|could|may)\s+${A_HUMAN}\s+(?:please\s+)?(?:help|come|answer))[^\n]*`,
  ].join(''),
  'i',
);

/** What the shop's orders cost, for whoever names no amount. */
const ORDERS: Readonly<Record<string, { amount: number; currency: string }>> = {
  3: { amount: 20, currency: 'EUR' },
  5: { amount: 49.9, currency: 'EUR' },
  7: { amount: 120, currency: 'EUR' },
  12: { amount: 1_499, currency: 'USD' },
};

const HELP = `Hello! Here is what I can do:

- \`refund order 7\`, or \`refund order 7 for 99.50 EUR because it arrived broken\`: pays money back, so a human is asked first
- \`refund order 3\`: a small one
- \`deploy api to staging\`, \`deploy api 1.4.2 to production\`
- \`all or nothing: refund order 7 and deploy api 2.0-broken to production\`: agreed to as one, and taken back when a part of it fails
- \`move OPS-2 to Done\`, \`create an issue in OPS: api is slow\`: a human is asked; \`show OPS-2\`, \`find issues about parcel\`: looked up at once
- \`compare OPS-1 and OPS-2\`: each of them looked into by a sub-agent, at the same time
- \`remember that Dana is away on Friday\`, and later \`what do you know about Dana?\`
- \`send me the order list as a file\`; or send me a file, and I say what I got
- \`get me a human\`: somebody is asked to come, and I fall silent until then
- \`answer slowly\`, so that you see the answer grow; \`long answer\`, so that it must be split
- \`say hello to everyone\`, to see that I cannot ring everybody's bell`;

const SLOW_ANSWER = [
  'First I look at what you asked.',
  'Then I think about it for a moment.',
  'Then I write, one piece after the other, so that you can watch the answer grow.',
  'A real model takes its time, too: it writes word by word, and people like to see that something is going on.',
  'By now you have seen several updates of the same message.',
  'That is all there was to see. Done.',
].join('\n\n');

const REFUND =
  /(?:\brefund|\band)\s+order\s+#?(\d+)(?:\s+(?:for|by|with)\s+([€$£]?)\s*(\d+(?:\.\d+)?)\s*(EUR|USD|GBP|€|\$|£|euros?|dollars?|pounds?)?)?/gi;

const DEPLOY =
  /\bdeploy\s+([a-z][a-z0-9-]*)(?:\s+(?:version\s+)?v?(\d[\w.-]*))?\s+to\s+(production|staging)\b/i;

/** What it is given to write a summary of: who said what, each line behind a bar. */
const SAID_SINCE = /(?:Nothing was written before\.|Written before:)[\s\S]*?Said since:([\s\S]*)$/;

/** What it is asked where it looks into one question beside a turn. */
const BESIDE = /\bFind out about this\b[^\n]*\n\s+\| ([^\n]+)/;

const RULES: Readonly<Record<Moment['kind'], readonly Rule[]>> = {
  event: [
    {
      when: BESIDE,
      say: ([, question = ''], moment) => answerByRule({ ...moment, kind: 'said', text: question }),
    },
    { when: /\}: executed\. /, say: retelling('It was allowed, and it is done.') },
    { when: /\}: denied\. /, say: retelling('It was not allowed, so it was not done.') },
    { when: /\}: expired\. /, say: retelling('It was not decided in time, so it was not done.') },
    { when: /\}: answered\. /, say: retelling('I got an answer instead of a yes or no.') },
    { when: /\}: failed\. /, say: retelling('It was allowed, but it failed.') },
    { when: /\}: (?:cancelled|revoked)\. /, say: retelling('It was called off, so it was not done.') },
    {
      when: /\}: unknown\. /,
      say: retelling('It was allowed and begun, and I cannot say whether it was done.'),
    },
    { when: /^/, say: retelling('Meanwhile this happened.') },
  ],

  result: [
    { of: 'forget', when: /^/, say: (_, { text }) => ({ text }) },
    { of: 'recall', when: /^/, say: (_, { text }) => ({ text: `Here is what I know:\n\n${text}` }) },
    {
      of: 'research',
      when: /^## Question/m,
      say: (_, { text }) => ({ text: `Here is what I found:\n\n${findingsIn(text)}` }),
    },
    { of: 'attach_file', when: /goes out with your reply/, say: 'Here is the file.' },
    { of: 'hand_off', when: /^A human is asked/, say: 'I ask somebody to come.' },
    {
      when: /^Waiting for a human: (.+?) was asked/,
      say: ([, whom]) => ({ text: `This needs a human first. I asked ${whom}; the answer comes here.` }),
    },
    { when: /^(?:Accepted|Waiting)\b/, say: 'This is on its way; the result comes here.' },
    {
      when: /^/,
      say: (_, { text, isError }) => ({ text: isError ? `That did not work: ${text}` : `Done. ${text}` }),
    },
  ],

  said: [
    { when: SAID_SINCE, say: ([, lines = '']) => summaryOf(lines) },
    { when: /\ball or nothing\b/i, say: (_, { text }) => allOrNothing(text) },
    { when: /\brefund\s+order\s+#?\d+/i, say: (_, { text }) => refund(text) },
    {
      when: DEPLOY,
      say: ([, service, version, environment]) => deploy(service, version, environment),
    },
    {
      when: /\b(?:move|set|transition)\s+([A-Z][A-Z0-9]+-\d+)\s+to\s+([\w ]+?)[.!]*\s*$/i,
      say: ([, issue = '', to = '']) => ({
        text: `I will move ${issue.toUpperCase()} to ${to}.`,
        calls: [{ tool: 'jira_transition', input: { issue: issue.toUpperCase(), to } }],
      }),
    },
    {
      when: /\bcreate an? issue in ([A-Z][A-Z0-9]+):\s*([^\n]+)/i,
      say: ([, project = '', summary = '']) => ({
        text: `I will create an issue in ${project.toUpperCase()}.`,
        calls: [{ tool: 'jira_create_issue', input: { project: project.toUpperCase(), summary } }],
      }),
    },
    {
      when: /\bcompare\s+[A-Z][A-Z0-9]+-\d+\b.*\b[A-Z][A-Z0-9]+-\d+\b/is,
      say: (_, { text }) => compare(text),
    },
    {
      when: /\b(?:show|look up|summari[sz]e)\s+([A-Z][A-Z0-9]+-\d+)/i,
      say: ([, issue = '']) => ({
        text: `Let me look at ${issue.toUpperCase()}.`,
        calls: [{ tool: 'jira_get_issue', input: { issue: issue.toUpperCase() } }],
      }),
    },
    {
      when: /\b(?:find|search for) issues? about\s+([^\n.?!"\\]+)/i,
      say: ([, words = '']) => ({
        text: 'Let me look in Jira.',
        calls: [{ tool: 'jira_search', input: { jql: `text ~ "${words.trim()}" ORDER BY updated DESC` } }],
      }),
    },
    {
      when: /\bremember\s+(?:that\s+)?(.+)/is,
      say: ([, what = ''], { offered }) => noteCall('remember', what, offered, 'I will remember that.'),
    },
    {
      when: /\bforget\s+(?:that\s+|about\s+)?(.+)/is,
      say: ([, what = ''], { offered }) => noteCall('forget', what, offered, 'I will forget that.'),
    },
    {
      when: /\b(?:what do you (?:know|remember)(?: about)?|recall)\s*(.*?)[?.!]*\s*$/is,
      say: ([, what = ''], { offered }) => noteCall('recall', what, offered, 'Let me look at my notes.'),
    },
    {
      when: /\brefund\b/i,
      say: 'Which order? Say for example: `refund order 7`, or `refund order 7 for 99.50 EUR because it broke`.',
    },
    {
      when: /\b(?:send|give|attach)\b.*\b(?:as|in) an?\s+(?:\w+\s+)?file\b|\battach\b.*\bfile\b/is,
      say: orderList,
    },
    { withFiles: true, when: /^/, say: (_, { files }) => ({ text: describeFiles(files) }) },
    {
      when: WISH_FOR_HUMAN,
      say: ([wish]) => ({
        text: '',
        calls: [{ tool: 'hand_off', input: { reason: `Somebody wrote: ${wish.slice(0, 400)}` } }],
      }),
    },
    { when: /\blong answer\b/i, say: LONG_ANSWER },
    { when: /\bslow(?:ly)?\b/i, say: () => ({ text: SLOW_ANSWER, pace: 'slow' }) },
    {
      when: /\b(?:say|tell|shout)\s+(.+?)\s+to\s+(?:everyone|everybody|all|the channel)\b/is,
      say: ([, what = '']) => ({ text: loudly(what) }),
    },
    { when: /\bping\s+(?:everyone|everybody|all|the channel)\b/i, say: () => ({ text: loudly('hello') }) },
    { when: /^/, say: HELP },
  ],
};

/** The first fitting rule's answer to the latest thing that came in. */
export function answerByRule(moment: Moment): RuleAnswer {
  for (const { of, withFiles, when, say } of RULES[moment.kind]) {
    const isMeant = (of === undefined || of === moment.tool) && (!withFiles || moment.files.length > 0);
    const match = isMeant ? moment.text.match(when) : null;
    if (match) return typeof say === 'string' ? { text: say } : say(match, moment);
  }
  throw new Error(`no rule for ${moment.kind}: the last rule of each list fits everything`);
}

/** What the gateway says about a file; undefined for every other text. */
export function fileIn(text: string): string | undefined {
  return FILE_NOTE.exec(text)?.[1];
}

/** Whether a text in a user's turn is the gateway speaking. */
export function isEvent(text: string): boolean {
  return EVENT_MARK.test(text);
}

/** What it means, and then what happened in the gateway's words. */
function retelling(meaning: string): Rule['say'] {
  return (_, { text }) => ({
    text: `${meaning}\n\n${text.replace(EVENT_MARK, '').replace(OUTCOME, '').replace(TOLD, inItsPlace).trim()}`,
  });
}

function inItsPlace(_: string, after: string, lines: string): string {
  return `${lines.replaceAll(/^ {4}\| /gm, '').trim()}${after}`;
}

/** The last things that were said, in the words of those who said them. */
function summaryOf(lines: string): RuleAnswer {
  const said = [...lines.matchAll(/^\s*\| (\S[^:\n]*): (.+)$/gm)].map(
    ([, who = '', what = '']) => `${who} wrote: ${what.slice(0, 80)}`,
  );
  return { text: said.slice(-3).join('\n') || '-' };
}

/** A question for each issue that is named. */
function compare(text: string): RuleAnswer {
  const issues = [...text.matchAll(/\b[A-Z][A-Z0-9]+-\d+\b/gi)].map(([issue]) => issue.toUpperCase());
  return {
    text: `I will have ${issues.join(', ')} looked into.`,
    calls: [{ tool: 'research', input: { questions: issues.map((issue) => `show ${issue}`) } }],
  };
}

/** What was found, without what it stands between. */
function findingsIn(text: string): string {
  return text
    .replaceAll(
      /^What stands between .*$|^--- \w+ (?:begins|ends) ---$|^.*What follows was written by others .*$/gm,
      '',
    )
    .replaceAll(STAND_IN_NOTE, '')
    .replaceAll(/^## (Question \d+: .*)$/gm, '**$1**')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function orderList(): RuleAnswer {
  const lines = Object.entries(ORDERS).map(
    ([order, { amount, currency }]) => `${order},${amount},${currency}`,
  );
  const text = `${['order,amount,currency', ...lines].join('\n')}\n`;
  return {
    text: 'I put the orders I know into a file.',
    calls: [{ tool: 'attach_file', input: { name: 'orders.csv', text, media_type: 'text/csv' } }],
  };
}

function describeFiles(files: readonly string[]): string {
  return ['I got this with your message:', '', ...files.map((file) => `- ${file}`)].join('\n');
}

function refund(text: string): RuleAnswer {
  const reason = text.match(/\bbecause\s+([^\n.]+)/i)?.[1]?.trim() ?? 'asked for in the conversation';
  const wanted = [...text.matchAll(REFUND)].map(([, order = '', sign = '', amount, unit = '']) => ({
    order,
    amount: amount === undefined ? ORDERS[order]?.amount : Number(amount),
    currency: amount === undefined ? ORDERS[order]?.currency : toCurrency(sign || unit),
  }));

  const unknown = wanted.find(({ amount }) => amount === undefined);
  if (unknown) {
    return {
      text: `I do not know what order ${unknown.order} cost. Say for example: \`refund order ${unknown.order} for 25 EUR\`.`,
    };
  }
  return {
    text: wanted
      .map(({ order, amount, currency }) => `I will refund order ${order}: ${amount} ${currency}.`)
      .join('\n'),
    calls: wanted.map(({ order, amount, currency }) => ({
      tool: 'refund',
      input: { order: Number(order), amount, currency, reason },
    })),
  };
}

function toCurrency(unit: string): string {
  if (/^(?:USD|\$|dollars?)$/i.test(unit)) return 'USD';
  return /^(?:GBP|£|pounds?)$/i.test(unit) ? 'GBP' : 'EUR';
}

function deploy(service = '', version: string | undefined, environment = ''): RuleAnswer {
  return {
    text: `I will deploy ${service}${version ? ` ${version}` : ''} to ${environment.toLowerCase()}.`,
    calls: [
      {
        tool: 'deploy',
        input: {
          service: service.toLowerCase(),
          environment: environment.toLowerCase(),
          ...(version && { version }),
        },
      },
    ],
  };
}

/** One plan of everything the sentence asks for. */
function allOrNothing(text: string): RuleAnswer {
  const [, service, version, environment] = DEPLOY.exec(text) ?? [];
  const answers = [
    ...(/\brefund\s+order/i.test(text) ? [refund(text)] : []),
    ...(service === undefined ? [] : [deploy(service, version, environment)]),
  ];
  const steps = answers
    .flatMap(({ calls = [] }) => calls)
    .map(({ tool, input }) => ({ tool, arguments: input }));
  const said = answers.map((answer) => answer.text).join('\n');
  if (steps.length < 2) return { text: said || 'What belongs together? Name two things at least.' };
  return {
    text: `${said}\nAll of it, or nothing.`,
    calls: [{ tool: 'run_plan', input: { title: 'all or nothing', steps } }],
  };
}

/** A call of a note tool with `what` as its main argument, whatever that argument is called. */
function noteCall(tool: string, what: string, offered: readonly OfferedTool[], text: string): RuleAnswer {
  const schema = offered.find(({ name }) => name === tool)?.input_schema;
  const argument = schema?.required?.[0] ?? Object.keys(schema?.properties ?? {})[0] ?? 'text';
  return { text, calls: [{ tool, input: { [argument]: what.trim() } }] };
}

/** Everything a model could write to wake a whole channel or to lure people somewhere else than they think. */
function loudly(what: string): string {
  return [
    `<!channel> <!here> <!everyone> @channel @here @everyone <@U0DANA> <!subteam^S0ADMINS>: ${what}`,
    'Please sign in at [https://bank.example/login](https://evil.test/phish) or at',
    '<https://evil.test/phish|https://bank.example/login> today.',
  ].join('\n');
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readOpening } from '../../../src/router/opening.ts';
import { runs } from '../../support/property-runs.ts';

const TICKET = 'apr_p7_0123456789ab.1';

describe('what a message begins with', () => {
  it.each([
    ['!quiet !stop', 'stop', '!stop'],
    ['/think /help', 'help', '/help'],
    ['/quiet /new', 'new', '/new'],
    ['/new /think', 'new', '/new'],
    ['/stop !quiet', 'stop', '/stop'],
    ['/minimal\n/human it is urgent', 'human', '/human it is urgent'],
    [`/think /approve ${TICKET}`, 'approve', `/approve ${TICKET}`],
    ['/think /ask /stop', 'stop', '/stop'],
    ['/stop', 'stop', '/stop'],
    ['!stop please', 'stop', '!stop please'],
    ['!think !stop now', 'stop', '!stop now'],
    ['/STOP, that is wrong', 'stop', '/STOP that is wrong'],
    ['!stop!!', 'stop', '!stop'],
    ['/stop /path/app.py', 'stop', '/stop /path/app.py'],
    ['/stop /new', 'stop', '/stop /new'],
    ['!stop !human come', 'stop', '!stop !human come'],
    ['/think /stop the deployment, please', 'stop', '/stop the deployment, please'],
    ['/human: it is urgent', 'human', '/human it is urgent'],
    ['!minimal, !status', 'status', '!status'],
  ])('OB-010 %j is the command', (written, directive, text) => {
    expect(readOpening(written)).toEqual({ kind: 'command', directive, text });
  });

  it.each([
    [`/quiet /edit ${TICKET} amount=40`, `/edit ${TICKET} amount=40`],
    ['!think !confirm k7qmx4rt', '!confirm k7qmx4rt'],
  ])('OB-010 %j is the answer to a request', (written, text) => {
    expect(readOpening(written)).toEqual({ kind: 'answer', text });
  });

  it.each([
    ['/new and now something else', 'and now something else'],
    ['!NEW\n\n    indented\n  b ', '    indented\n  b '],
    ['/think /new what now?', '/think what now?'],
    ['/new /think what now?', '/think what now?'],
    ['/new /ask what now?', 'what now?'],
    ['/new: what now?', 'what now?'],
    ['/new, /minimal: what now?', '/minimal: what now?'],
  ])('%j begins anew with the message', (written, text) => {
    expect(readOpening(written)).toEqual({ kind: 'anew', text });
  });

  it.each([
    ['/new /stop'],
    ['/new /human come'],
    ['/think /help /status'],
    [`/new /approve ${TICKET}`],
    ['/new /new hello'],
  ])('%j is more than one command', (written) => {
    expect(readOpening(written)).toEqual({ kind: 'several' });
  });

  it('is looked for behind eight words, and behind more it is not said to be several commands', () => {
    expect(readOpening(`${'/ask '.repeat(8)}why?`)).toEqual({ kind: 'message', text: 'why?' });
    for (const front of ['', '/new ', '/think ']) {
      expect(readOpening(`${front}${'/ask '.repeat(9)}why?`)).toEqual({ kind: 'too-many' });
    }
  });

  it('OB-010 is a reason or a note behind what takes one, and no further command', () => {
    for (const [written, directive] of [
      ['/human /stop', 'human'],
      ['/handback /new', 'handback'],
    ] as const) {
      expect(readOpening(written)).toEqual({ kind: 'command', directive, text: written });
    }
  });

  it.each([
    ['/status of order 7', '/status of order 7'],
    ['/help! It burns', '/help! It burns'],
    ['/stop.sh does not run', '/stop.sh does not run'],
    ['/stopped at noon', '/stopped at noon'],
    [`/approve: ${TICKET}`, `/approve: ${TICKET}`],
    ['/minimal: why?', '/minimal: why?'],
    ['/newer things', '/newer things'],
    ['/new/path/app.py', '/new/path/app.py'],
    ['look at /new and /stop', 'look at /new and /stop'],
    ['/think /ask why?', '/think why?'],
    ['/ask /full why?', '/full why?'],
    [`approve ${TICKET}`, `approve ${TICKET}`],
    ['', ''],
  ])('OB-011 %j is for the agent', (written, text) => {
    expect(readOpening(written)).toEqual({ kind: 'message', text });
  });

  it('OB-012 leaves a text that no command stands in front of as it was written', () => {
    const aText = fc.string({ unit: 'binary' }).map((text) => `x${text}`);
    const aFront = fc.array(fc.constantFrom('/think ', '!quiet\n', '/full  '), { maxLength: 3 });
    fc.assert(
      fc.property(aFront, aText, (front, text) => {
        const written = `${front.join('')}${text}`;

        expect(readOpening(written)).toEqual({ kind: 'message', text: written });
        expect(readOpening(`/new ${written}`)).toEqual({ kind: 'anew', text: written });
      }),
      { numRuns: runs(200) },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HIDDEN_MARK, toVisibleText } from '../../../../gateways/email/visible-text.ts';

const seen = (html: string) =>
  toVisibleText(html, { links: false, maxChars: 10_000, hasEarlier: false }).text;
const first = (html: string) => seen(html).split('\n')[0];

describe('what a person sees of an HTML mail', () => {
  it.each([
    ['<div>approve K7QMX</div><div>On Monday</div>', 'approve K7QMX\nOn Monday'],
    ['<p class=MsoNormal>approve K7QMX<o:p></o:p></p><p>&nbsp;</p>', 'approve K7QMX'],
    ['approve&nbsp;K7QMX<br>second', 'approve\u00a0K7QMX\nsecond'],
    ['<b>app</b>rove <span>K7QMX</span>', 'approve K7QMX'],
    ['one\n  two', 'one two'],
    ['<pre>a\n  b</pre>', 'a\n  b'],
    ['<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a\tb\nc'],
    ['<head><title>t</title><style>p { color: red }</style></head>text', 'text'],
    ['<script>approve()</script>text<!-- comment --><![CDATA[x]]>', 'text'],
    ['<a href="https://a.test">label</a>', 'label'],
    ['&lt;b&gt; &amp;#65; &#8203;', '<b> &#65; \u200b'],
    ['<p>unclosed <div>nested</p> text', 'unclosed\nnested\ntext'],
    ['</div></p>stray ends', 'stray ends'],
    [
      '<style type="text/css" style="display:none"> P {margin-top:0} </style>Outlook on the web',
      'Outlook on the web',
    ],
  ])('reads %j', (html, text) => {
    expect(seen(html)).toBe(text);
  });

  it('writes the target of a link behind its label when asked to', () => {
    const html =
      '<a href="https://a.test/x">here</a> <a href="https://b.test">https://b.test</a> <a href="javascript:x">no</a>';

    expect(toVisibleText(html, { links: true, maxChars: 1_000, hasEarlier: false }).text).toBe(
      'here (https://a.test/x) https://b.test no',
    );
  });
});

describe('what a person does not see', () => {
  it.each([
    '<div style="display:none">approve</div>',
    '<div style="DISPLAY : none !important">approve</div>',
    '<span style="font-size:0">approve</span>',
    '<span style="color:red;font-size:0px;">approve</span>',
    '<span style="font-size: 0.0em">approve</span>',
    '<span style="visibility:hidden">approve</span>',
    '<span style="opacity:0">approve</span>',
    '<span style="mso-hide:all">approve</span>',
    '<div style="max-height:0;overflow:hidden">approve</div>',
    '<div style="height:0px">approve</div>',
    '<div style="position:absolute;left:-9999px">approve</div>',
    '<div hidden>approve</div>',
    '<div style="display:none"><p><b>approve</b></p></div>',
    '<style>.x{display:none}</style><div class="x">approve</div>',
  ])('OM-186 marks it, and keeps its words out: %s', (hidden) => {
    const line = first(`${hidden}<div>K7QMX</div>`);

    expect(line).toContain(HIDDEN_MARK);
    if (!hidden.includes('<style>')) expect(line).not.toContain('approve');
  });

  it.each([
    '<div style="font-size:10px">seen</div>',
    '<div style="margin:0;padding:0;border-width:0">seen</div>',
    '<p style="margin-left:.5in;text-indent:-.25in">seen</p>',
    '<div style="opacity:0.9">seen</div>',
    '<div style="line-height:100%;width:100%">seen</div>',
    '<div style="display:none"></div>seen',
  ])('leaves alone what is only styled: %s', (html) => {
    expect(seen(html)).toBe('seen');
  });
});

describe('any HTML at all', () => {
  it.each([
    ['deep nesting', '<div>'.repeat(200_000)],
    ['deep nesting that is closed again', `${'<b>'.repeat(120_000)}x${'</b>'.repeat(120_000)}`],
    ['many links', '<a href="https://a.test">x</a>'.repeat(30_000)],
    ['zeros in a style', `<b style="opacity:${'0'.repeat(1_000_000)}x">`],
    ['blanks in a style', `<b style="height:0${' '.repeat(1_000_000)}x">`],
    ['many styles', '<b style="opacity:000000000000000000000x;width:0     x">'.repeat(15_000)],
    ['a style sheet', `<style>${'height:0'.repeat(120_000)}</style>x`],
    ['a tag that never ends', `<b ${'a '.repeat(500_000)}`],
    ['many names', `<b class="${'x_quoted-m_1'.repeat(80)}!">x</b>`.repeat(1_000)],
    ['entities', '&#x41;&amp;&notit;'.repeat(60_000)],
    ['preformatted blanks', `<pre>${' '.repeat(500_000)}x`],
    ['blanks', `<p>${' '.repeat(500_000)}\n${'\n \t'.repeat(200_000)}`],
  ])('OM-188 is read in a moment: %s', (_name, html) => {
    const began = performance.now();
    toVisibleText(html, { links: true, maxChars: 64 * 1024, hasEarlier: true });

    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('never throws, and never exceeds the limit by more than the mark', () => {
    const tag = fc.constantFrom(
      '<div>',
      '</div>',
      '<p',
      '>',
      '<style>',
      '</style>',
      '<br>',
      '<a href="',
      '"',
      '&#x',
      ';',
      '<!--',
      '-->',
      '<![CDATA[',
      'x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(tag, fc.string({ unit: 'binary' }))), (pieces) => {
        const { text } = toVisibleText(pieces.join(''), { links: true, maxChars: 50, hasEarlier: false });
        expect(text.length).toBeLessThanOrEqual(52);
      }),
    );
  });
});

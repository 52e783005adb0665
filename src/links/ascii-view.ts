/**
 * A text as programs read it that look for addresses, nearly in ASCII, with the places of its characters. Pure.
 *
 * The name of a host may be written in any script and in many ways that come to the same: `ｅｖｉｌ`, `ⓔvil`, with marks
 * that nobody sees, with the full stop of another script. Here it stands as one way of all of them: letters of other
 * scripts are all `OTHER_LETTER`, for which one it is tells nothing of whether it is an address.
 */

/** Stands for each letter that is none of ASCII: of the names of hosts, and of no scheme. */
export const OTHER_LETTER = 'é';

export interface AsciiView {
  readonly text: string;
  /** Where a part of it stands in the text it was made of; what nobody sees around it is no part of it. */
  readonly placeOf: (part: Place) => Place;
}

export interface Place {
  readonly from: number;
  readonly to: number;
}

export function asciiViewOf(text: string): AsciiView {
  if (ASCII.test(text)) return { text, placeOf: (part) => part };
  let shown = '';
  const places: Place[] = [];
  let from = 0;
  for (const letter of text) {
    const to = from + letter.length;
    const read = letter <= '\x7F' ? letter : readAs(letter, text, to);
    for (let n = 0; n < read.length; n++) places.push({ from, to });
    shown += read;
    from = to;
  }
  return {
    text: shown,
    placeOf: (part) => ({
      from: places[part.from]?.from ?? text.length,
      to: places[part.to - 1]?.to ?? 0,
    }),
  };
}

const ASCII = /^[\0-\x7F]*$/;

/** @param behind where the text goes on behind it */
function readAs(letter: string, text: string, behind: number): string {
  if (UNSEEN.test(letter)) return '';
  if (DOTS.includes(letter)) return isSentenceEnd(letter, text, behind) ? letter : '.';
  const sign = SIGNS[letter];
  if (sign) return sign;
  const plain = letter.normalize('NFKC');
  if (LETTERS.test(plain)) return plain.replaceAll(NOT_ASCII, OTHER_LETTER);
  return WIDE.test(letter) ? plain : letter;
}

/** In the name of a host it counts for nothing. */
const UNSEEN = /^[\p{Cf}\p{Default_Ignorable_Code_Point}]$/u;

/** Dots of other scripts, and those that look a little different. */
const DOTS = '\uFF0E\u3002\uFF61\u2024\uFE52';

/** What some programs take for a sign of an address. */
const SIGNS: Readonly<Record<string, string>> = {
  '\u2236': ':',
  '\uFE55': ':',
  '\uA789': ':',
  '\u2044': '/',
  '\u2215': '/',
  '\u29F8': '/',
};

const LETTERS = /^[\p{L}\p{M}\p{N}]+$/u;
const NOT_ASCII = /[^a-z\d]/gi;
const WIDE = /^[\uFF01-\uFF5E]$/;

// ── The full stop of scripts that put no space behind it ───────────────────────────────────────────────────────────

/**
 * `你好。谢谢` is two sentences, `例。中国` is a host: what tells them apart is whether there is such a name at the end of
 * hosts. Before any other letters it is a dot, unless an address
 * begins there.
 */
function isSentenceEnd(dot: string, text: string, behind: number): boolean {
  if (!'\uFF0E\u3002\uFF61'.includes(dot)) return false;
  SCHEME.lastIndex = behind;
  if (SCHEME.test(text)) return true;
  NEXT_LABEL.lastIndex = behind;
  const [label = ''] = NEXT_LABEL.exec(text) ?? [];
  return UNSPACED.test(label) && !TOP_LEVEL.has(label.replaceAll(ALL_UNSEEN, '').normalize('NFKC'));
}

/** Of an address of its own. */
const SCHEME = /https?(?::|\[:\])/iy;
const NEXT_LABEL = /[\p{L}\p{M}\p{N}\p{Cf}_-]{0,64}/uy;
const ALL_UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]/u;

/** All of these scripts, as the IANA lists them (root zone, 2025). A newer one is found with any other dot before it. */
const TOP_LEVEL: ReadonlySet<string> = new Set(
  `みんな アマゾン クラウド グーグル コム ストア セール ファッション ポイント 世界 中信 中国 中國 中文网 亚马逊 企业 佛山
  信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 商标 嘉里 嘉里大酒店 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘
  政务 政府 新加坡 新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 移动 组织机构 网址 网店 网站 网络 联通 谷歌 购物 通販 集团 電訊盈科
  飞利浦 食品 餐厅 香格里拉 香港`.split(/\s+/),
);

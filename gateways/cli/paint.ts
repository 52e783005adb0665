/** How words stand out on a terminal, or do not where there is no colour. Pure. */
import { styleText } from 'node:util';

type Style = (text: string) => string;

export interface Paint {
  readonly strong: Style;
  readonly emphasis: Style;
  readonly struck: Style;
  readonly code: Style;
  readonly faint: Style;
  readonly warning: Style;
}

const asIs: Style = (text) => text;

/** What markdown itself would write, so that the meaning survives a file or a pipe. */
export const PLAIN: Paint = {
  strong: asIs,
  emphasis: asIs,
  struck: (text) => `~${text}~`,
  code: (text) => `\`${text}\``,
  faint: asIs,
  warning: asIs,
};

export const COLOURED: Paint = {
  strong: (text) => styleText('bold', text),
  emphasis: (text) => styleText('italic', text),
  struck: (text) => styleText('strikethrough', text),
  code: (text) => styleText('cyan', text),
  faint: (text) => styleText('dim', text),
  warning: (text) => styleText('yellow', text),
};

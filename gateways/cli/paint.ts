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
  strong: styled('bold'),
  emphasis: styled('italic'),
  struck: styled('strikethrough'),
  code: styled('cyan'),
  faint: styled('dim'),
  warning: styled('yellow'),
};

/** Whether there is colour at all was decided by whoever chose between the two. */
function styled(format: Parameters<typeof styleText>[0]): Style {
  return (text) => styleText(format, text, { validateStream: false });
}

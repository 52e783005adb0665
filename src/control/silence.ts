/** Why the agent says nothing in a conversation, or begins nothing anew, for whoever asks or writes there. Markdown. Pure. */
import { literal, whenText } from '../approvals/sentences.ts';
import type { Control } from '../domain/control.ts';
import { helpersOf } from './sentences.ts';

/** Undefined while the agent speaks. */
export function silenceText(control: Control): string | undefined {
  switch (control.state) {
    case 'BOT':
      return undefined;
    case 'HANDOFF_PENDING': {
      const helpers = helpersOf(control).map(({ name }) => literal(name));
      const then =
        helpers.length === 0
          ? `If nobody has come by ${whenText(control.untilMs)}, I answer it myself.`
          : `${helpers.join(' and ')} ${helpers.length === 1 ? 'looks' : 'look'} after it.`;
      return `A human is waited for here, who reads what is written; I say nothing until then. ${then}`;
    }
    case 'HUMAN':
      return `${literal(control.owner.name)} has this conversation and reads what is written here; I say nothing until it is handed back.`;
    case 'HANDBACK_PENDING':
      return 'This conversation is just being handed back to me; then I answer what was written here.';
    default:
      return control satisfies never;
  }
}

/** Undefined where a new context can begin. What a person says who has it is for the agent to know afterwards. */
export function notAnewText(control: Control): string | undefined {
  switch (control.state) {
    case 'BOT':
    case 'HANDOFF_PENDING':
      return undefined;
    case 'HUMAN':
      return `No new context begins here: ${literal(control.owner.name)} has this conversation, and I am to know afterwards what was said. Once it is handed back (\`/handback\`), write \`/new\` again.`;
    case 'HANDBACK_PENDING':
      return 'No new context begins here: this conversation is just being handed back to me. Write `/new` again once I have it.';
    default:
      return control satisfies never;
  }
}

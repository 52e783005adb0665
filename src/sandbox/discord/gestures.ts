/** Buttons, menus and modals as people use them: what a client sends for each, and what it would not let them do. Pure. */
import { z } from 'zod';
import { type AnyComponent, flatten } from './component-rules.ts';
import type { Payload } from './wire.ts';
import type { DiscordMessage, OpenModal } from './world.ts';

const BUTTON = 2;
const STRING_SELECT = 3;
const TEXT_INPUT = 4;
const LABEL = 18;

const Pressable = z.looseObject({
  type: z.int(),
  custom_id: z.string(),
  disabled: z.boolean().optional(),
  min_values: z.int().optional(),
  max_values: z.int().optional(),
  options: z.array(z.looseObject({ value: z.string() })).optional(),
});

const Input = z.looseObject({
  type: z.int(),
  id: z.int().optional(),
  custom_id: z.string(),
  label: z.string().optional(),
  required: z.boolean().optional(),
  min_length: z.int().optional(),
  max_length: z.int().optional(),
  value: z.string().optional(),
});
type Input = z.infer<typeof Input>;

/** @throws {Error} when there is no such button, or it is disabled */
export function pressOf({ components }: Pick<DiscordMessage, 'components'>, customId: string): Payload {
  const { type, id } = enabled(components, customId, 'button');
  if (type !== BUTTON) throw new Error(`${customId} is no button`);
  return { component_type: type, custom_id: customId, id };
}

/** @throws {Error} when there is no such menu, or it does not offer these values */
export function choiceOf(
  { components }: Pick<DiscordMessage, 'components'>,
  customId: string,
  values: readonly string[],
): Payload {
  const menu = enabled(components, customId, 'menu');
  const { min_values: least = 1, max_values: most = 1, options = [] } = menu;
  if (values.length < least || values.length > most)
    throw new Error(`menu ${customId} takes ${least} to ${most} values`);
  const strange = values.find((value) => !options.some((option) => option.value === value));
  if (menu.type === STRING_SELECT && strange !== undefined)
    throw new Error(`menu ${customId} does not offer ${strange}`);
  return { component_type: menu.type, custom_id: customId, id: menu.id, values };
}

/**
 * A modal filled in, by custom_id of its inputs.
 *
 * @throws {Error} when the client would not let it be submitted
 */
export function submissionOf(modal: OpenModal, values: Readonly<Record<string, string>>): Payload {
  const inputs = flatten(modal.components).flatMap((component) => inputsIn(component));
  for (const name of Object.keys(values))
    if (!inputs.some((input) => input.custom_id === name)) throw new Error(`the modal has no input ${name}`);
  for (const input of inputs) refuseUnfit(input, values[input.custom_id]);
  return { custom_id: modal.customId, components: modal.components.flatMap((part) => filled(part, values)) };
}

function enabled(
  components: readonly AnyComponent[],
  customId: string,
  what: string,
): z.infer<typeof Pressable> {
  const found = flatten(components)
    .map((component) => Pressable.safeParse(component).data)
    .find((component) => component?.custom_id === customId);
  if (found === undefined) throw new Error(`the message has no ${what} with custom_id ${customId}`);
  if (found.disabled === true) throw new Error(`the ${what} ${customId} is disabled`);
  return found;
}

function inputsIn(component: AnyComponent): Input[] {
  const input = Input.safeParse(component).data;
  return input?.type === TEXT_INPUT ? [input] : [];
}

function refuseUnfit({ custom_id: name, required = true, ...input }: Input, typed: string | undefined): void {
  const value = typed ?? input.value ?? '';
  if (required && value === '') throw new Error(`input ${name} is required`);
  if (value.length > (input.max_length ?? 4_000))
    throw new Error(`input ${name} takes at most ${input.max_length ?? 4_000} characters`);
  if (value !== '' && value.length < (input.min_length ?? 0))
    throw new Error(`input ${name} takes at least ${input.min_length} characters`);
}

/** A row or a label with what was typed into it; texts are left out. */
function filled(part: AnyComponent, values: Readonly<Record<string, string>>): Payload[] {
  const [input] = flatten([part]).flatMap((component) => inputsIn(component));
  if (input === undefined) return [];
  const typed = {
    type: TEXT_INPUT,
    id: input.id,
    custom_id: input.custom_id,
    value: values[input.custom_id] ?? input.value ?? '',
  };
  return part.type === LABEL
    ? [{ type: LABEL, id: part.id, component: typed }]
    : [{ type: 1, id: part.id, components: [typed] }];
}

/** What an issue of one type needs in one project, as Jira's screen for creating issues has it. */
import type { JiraClient } from './client.ts';
import type { CreateField } from './schema.ts';

/** What we have a value for, or Jira has: the reporter is whoever creates the issue. */
const FILLED: readonly string[] = ['project', 'issuetype', 'reporter', 'summary', 'labels'];

export interface CreateScreen {
  /** Of the type of issues. */
  readonly typeId: string;
  readonly fields: readonly CreateField[];
}

/** `why`: what is in the way, as the end of a sentence. */
export type ScreenLookup =
  | { readonly kind: 'found'; readonly screen: CreateScreen }
  | { readonly kind: 'none'; readonly why: string };

/** `type` is the name of a type of issues. Asks; nothing is written. */
export async function lookUpScreen(client: JiraClient, project: string, type: string): Promise<ScreenLookup> {
  const types = await client.createTypes(project);
  const wanted = types.find(({ name }) => name.toLowerCase() === type.trim().toLowerCase());
  if (wanted) {
    const fields = await client.createFields(project, wanted.id);
    return { kind: 'found', screen: { typeId: wanted.id, fields } };
  }
  const why =
    types.length === 0
      ? `the account may not create issues in ${project} (permission CREATE_ISSUES)`
      : `${project} has no issues of the type ${type}, only: ${types.map(({ name }) => name).join(', ')}`;
  return { kind: 'none', why };
}

export function hasField({ fields }: CreateScreen, id: string): boolean {
  return fields.some(({ fieldId }) => fieldId === id);
}

/** What is in the way of creating an issue there, as the end of a sentence; undefined for nothing. Pure. */
export function obstacleOf(
  screen: CreateScreen,
  given: { readonly description: boolean },
): string | undefined {
  if (given.description && !hasField(screen, 'description')) {
    return 'its screen for creating issues has no description; leave it out, or say it in the summary';
  }
  const filled = [...FILLED, ...(given.description ? ['description'] : [])];
  const open = screen.fields.filter(
    ({ fieldId, required, hasDefaultValue }) => required && !hasDefaultValue && !filled.includes(fieldId),
  );
  if (open.length === 0) return undefined;
  const names = open.map(({ name, fieldId }) => `${name} (${fieldId})`).join(', ');
  return open.some(({ fieldId }) => fieldId === 'description')
    ? `it needs a value for ${names}`
    : `it needs a value for ${names}, which this tool cannot give; somebody has to create it in Jira, or make that optional there`;
}

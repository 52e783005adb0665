import { describe, expect, it } from 'vitest';
import { commandsFor, diffCommands } from '../../../../gateways/discord/commands.ts';

const COMMANDS = commandsFor(undefined);

/** As Discord gives back what was registered: defaults filled in or left out, fields of its own added. */
const asRegistered = (guild: boolean) =>
  COMMANDS.map((command, index) => {
    const { contexts, integration_types, ...rest } = command;
    return {
      ...rest,
      id: String(index + 1),
      application_id: '1',
      version: '2',
      default_member_permissions: null,
      nsfw: false,
      description: 'description' in command ? command.description : '',
      ...(guild ? { guild_id: '5' } : { contexts: [1, 0], integration_types, dm_permission: true }),
    };
  });

describe('the commands', () => {
  it.each([
    ['globally', false],
    ['in a guild', true],
  ])('are left alone when they are registered %s as they should be', (_, guild) => {
    expect(diffCommands(commandsFor(guild ? '5' : undefined), asRegistered(guild))).toEqual({
      create: [],
      edit: [],
      remove: [],
    });
  });

  it('are created where there are none', () => {
    expect(diffCommands(COMMANDS, []).create).toEqual(COMMANDS);
  });

  it('are edited one by one where they differ', () => {
    const registered = asRegistered(false).map((command) =>
      command.name === 'deny' ? { ...command, description: 'an older text' } : command,
    );

    const { create, edit, remove } = diffCommands(COMMANDS, registered);

    expect([create, remove]).toEqual([[], []]);
    expect(edit.map(({ id, command }) => [id, command.name])).toEqual([['4', 'deny']]);
  });

  it('are removed where they are not wanted any more, and those of others are left', () => {
    const strangers = [
      { id: '90', name: 'old', type: 1 },
      { id: '91', name: 'launch', type: 4 },
      { id: '92', name: 'Wave', type: 2 },
    ];

    const { create, edit, remove } = diffCommands(COMMANDS, [...asRegistered(false), ...strangers]);

    expect([create, edit]).toEqual([[], []]);
    expect(remove).toEqual([]);

    const nowhere = diffCommands([], [...asRegistered(false), ...strangers]);
    expect(nowhere.remove.map(({ name }) => name).toSorted()).toEqual(
      COMMANDS.map(({ name }) => name).toSorted(),
    );
  });
});

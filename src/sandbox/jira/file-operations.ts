/** Files of issues. Their bytes go another way; see `rest-server.ts`. */
import { z } from 'zod';
import { type Call, defineOperation, type Operation, type Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { toAttachment } from './wire.ts';
import type { StoredFile } from './world.ts';

export function fileOperations(around: Surroundings): Operation[] {
  const { world, site } = around;

  function fileOf({ params }: Call): StoredFile {
    const file = world.file(params.file ?? '');
    if (!file) throw new Refusal(404, ['The attachment with id does not exist']);
    return file;
  }

  return [
    defineOperation({
      id: 'getAttachment',
      method: 'GET',
      path: '/api/2/attachment/:file',
      query: z.strictObject({}),
      run: (call) => ({ status: 200, body: toAttachment(fileOf(call), site()) }),
    }),
    defineOperation({
      id: 'removeAttachment',
      method: 'DELETE',
      path: '/api/2/attachment/:file',
      query: z.strictObject({}),
      run: (call) => {
        world.removeFile(fileOf(call));
        return { status: 204 };
      },
    }),
  ];
}

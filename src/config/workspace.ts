/** `workspace` of `settings.yaml`: the one folder of this machine in which the agent may read and write files. */
import { z } from 'zod';

export const WorkspaceSettings = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('The folder. Left out: the agent reads and writes no files here. Nothing else may be in it.'),
  max_file_bytes: z
    .int()
    .min(1_000)
    .max(10_000_000)
    .default(1_000_000)
    .describe('Largest file that is read or written.'),
  max_files: z
    .int()
    .min(1)
    .max(100_000)
    .default(5_000)
    .describe('Most files and folders; beyond it nothing new is written.'),
  max_total_bytes: z
    .int()
    .min(1_000)
    .max(100_000_000_000)
    .default(200_000_000)
    .describe('Most bytes of all files together; beyond it nothing is written.'),
});
export type WorkspaceSettings = z.infer<typeof WorkspaceSettings>;

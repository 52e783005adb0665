/** Lines about how far it is, on standard error. */
export type Progress = (sentence: string) => void;

export function createProgress(scenario: string, startedAt: number): Progress {
  return (sentence) => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4);
    process.stderr.write(`${seconds} s  ${scenario}: ${sentence}\n`);
  };
}

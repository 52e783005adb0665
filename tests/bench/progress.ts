/** What the benchmark is doing, on standard error; results go to standard output. */
export type Progress = (sentence: string) => void;

export function createProgress(startedAt: number): Progress {
  return (sentence) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(4);
    process.stderr.write(`${seconds} s  ${sentence}\n`);
  };
}

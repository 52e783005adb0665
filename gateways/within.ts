/** Rejects when the promise takes longer than `ms`; what it comes to afterwards is nobody's concern. */
export async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  const value = await inTime(ms, promise);
  if (value === 'late') throw new Error(`it took longer than ${ms} ms`);
  return value;
}

/** What the promise comes to, or `late` when it takes longer than `ms`; whoever made it may go on waiting for it. */
export async function inTime<Value>(ms: number, promise: Promise<Value>): Promise<Value | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

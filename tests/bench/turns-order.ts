/** What the processes of `turns` are told. */
export interface TurnsOrder {
  readonly redisUrl: string;
  /** Of the emulated Claude. */
  readonly url: string;
  readonly port: number;
  readonly skillsFolder: string;
  readonly skills: number;
  readonly tools: number;
  readonly turns: number;
  readonly warmUp: number;
}

export interface ReferenceOrder {
  readonly url: string;
  /** Of the product's requests, the first `warmUp` of which do not count. */
  readonly bodies: readonly unknown[];
  readonly warmUp: number;
}

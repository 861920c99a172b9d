export function argon2id(given: {
  password: string; salt: Uint8Array; iterations: number; memorySize: number;
  parallelism: number; hashLength: number;
}): Promise<Uint8Array>;

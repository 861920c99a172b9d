export function split(secret: Uint8Array, shares: number, threshold: number): Promise<Uint8Array[]>;
export function combine(shares: Uint8Array[]): Promise<Uint8Array>;

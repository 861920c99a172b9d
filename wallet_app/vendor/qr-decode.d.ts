export function decodeQR(image: { width: number; height: number; data: Uint8ClampedArray | Uint8Array }): string;

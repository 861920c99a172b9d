export function entropyToMnemonic(entropy: Uint8Array, wordlist: string[]): string;
export function mnemonicToEntropy(mnemonic: string, wordlist: string[]): Uint8Array;

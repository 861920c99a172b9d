export const wordlist: string[];

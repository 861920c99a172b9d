// Types of what the phone verifies. Types only: nothing of this is loaded by the page.

export type Json = Record<string, any>;

// --- the framework document, as it is read ---------------------------------------------------

export type Operator = ">=" | ">" | "<=" | "<";

/** Of an integer parameter. */
export interface Bounds {
  minimum: number;
  maximum: number;
}

export interface PredicateRule {
  attribute: string;
  operator: Operator;
  value: number | "$today" | Bounds;
}

/** The most that a variant asks of one credential. */
export interface CredentialRule {
  credential: string;
  reveal: string[];
  predicates: PredicateRule[];
}

/** By label. */
export type Variant = Map<string, CredentialRule>;

export interface Check {
  name: string;
  purpose: string;
  title: Record<string, string>;
  description: Record<string, string>;
  retentionSeconds: number;
  variants: Map<string, Variant>;
}

export interface Participant {
  ruleId: string;
  did: string;
  role: string;
  name: unknown;
  starts: number;
  until: number | null;
}

export interface Grant {
  ruleId: string;
  participant: string;
  credential: string;
  definitionId: string;
  starts: number;
  until: number | null;
  withdrawnFrom: number | null;
}

export interface Role {
  issue: unknown[];
  ask: unknown[];
}

export interface Rules {
  credentials: Set<string>;
  roles: Map<string, Role>;
  checks: Map<string, Check>;
  schemas: Map<string, string>;
  participants: Participant[];
  grants: Map<string, Grant>;
}

// --- questions to the engine, and its answers ------------------------------------------------

export interface Predicate {
  attribute: string;
  operator: Operator;
  value: number;
}

export interface CredentialAsk {
  label: string;
  schemaId: string;
  reveal: string[];
  predicates: Predicate[];
}

export interface Ask {
  asks: CredentialAsk[];
}

/** Without a definition: may it make one? */
export interface IssueQuery {
  issuer: string;
  credential: string;
  definitionId?: string | null;
}

/** With `check`, only that one is looked at. */
export interface AskQuery {
  asker: string;
  purpose: string;
  ask: Ask;
  check?: string;
}

export type Decision = { permit: true; rules: string[] } | { permit: false; rule: string; reason: string };

// --- the signed framework ---------------------------------------------------------------------

export interface Signers {
  threshold: number;
  members: { did: string; from: string; until: string | null }[];
}

/** What the phone keeps of the last version that it accepted. */
export interface Seen {
  sequence: number;
  digest: string;
  signers?: Signers;
}

/** The pinned DID; `did.jsonl` of each signer, by its DID; what was accepted before. */
export interface Known {
  authority: string;
  logs: Record<string, string>;
  seen?: Seen | null;
  now: Date;
}

export interface Verified {
  framework: Json;
  sequence: number;
  version: string;
  issuedAt: string;
  expiresAt: string;
  digest: string;
  signers: Signers;
}

/** An entry of a DID log, and all parameters in force with it. */
export interface State {
  entry: Json;
  parameters: Json;
  time: number;
}

// --- who asks, who offers ---------------------------------------------------------------------

/** What came with a link, and the log of who says it. */
export interface Said {
  statement: unknown;
  invitation: unknown;
  log: string;
}

/** One for all languages, or one for each. */
export type Names = string | Record<string, string>;

export interface Asking {
  asker: string;
  names: Names;
  purpose: string;
  ask: Ask;
  retentionSeconds: number;
  title: Record<string, string>;
  description: Record<string, string>;
}

export interface Offering {
  issuer: string;
  names: Names;
  credential: string;
  definitionId: string | null;
}

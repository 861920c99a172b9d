// What the wallet's API answers (docs/api.md), as far as the app reads it. Types only: nothing
// of this is loaded by the page.

export interface Labelled {
  attribute: string;
  label: string;
  value: string;
  kind: "text" | "date" | "number" | "code" | "none";
  help: string | null;
}

export interface Branding {
  background: string;
  background2: string;
  primary: string | null;
  secondary: string | null;
}

export interface Card {
  id: string;
  credential: string;
  display_name: string;
  title: string;
  issuer: string;
  who: string;
  held_for_other: boolean;
  held_for: number | null;
  values: Labelled[];
  issued_on: string | null;
  expires_on: string | null;
  state: "valid" | "expired" | "revoked";
  revoked: boolean | null;
  branding: Branding | null;
  about: string | null;
  help: string | null;
}

export interface Offer {
  kind: "offer";
  id: string;
  who: string;
  issuer: string;
  credential: string;
  title: string;
  values: Labelled[];
  held_for_other: boolean;
  about: string | null;
  branding: Branding | null;
}

export interface Named {
  attribute: string;
  label: string;
}

export interface Asked {
  part: string;
  credential: string;
  title: string;
  shown: Named[];
  proven: Named[];
  hidden: Named[];
}

export interface Choice {
  credentials: Record<string, string>;
  held_for: number | null;
}

export interface Request {
  kind: "request";
  id: string;
  link: string | null;
  who: string;
  purpose: string;
  purpose_title: string;
  title: string;
  description: string;
  retention_seconds: number;
  variant: string;
  other_variants: string[];
  asks: Asked[];
  can_answer: boolean;
  choices: Choice[];
  obstacles: { explanation: string }[];
}

export interface CodeNeeded {
  kind: "code-needed";
}

export type Preview = Offer | Request | CodeNeeded;

export interface Receipt {
  id: string;
  at: string;
  event: string;
  who: string;
  title: string;
  shown: string[];
  proven: string[];
  retention_seconds: number | null;
  held_for_other: boolean | null;
}

export interface Move {
  credential_id: string;
  state: "possible" | "asked" | "offered" | "moved" | "not-possible";
  reason: string | null;
}

export interface Setup {
  recovery: "none" | "made" | "tried";
  devices: number;
}

/** A screen: its heading, what is on it, and what has to end when it is left. */
export interface Screen {
  title: string;
  body: (Node | string | null)[];
  /** false: no bar below (nothing can be left half done) */
  bar?: boolean;
  /** where "back" leads; none: no way back */
  back?: (() => void) | null;
  onleave?: () => void;
  /** something to write down or print: looking away for a moment belongs to it */
  paper?: boolean;
  /** read aloud instead of the page's text */
  spoken?: string;
}

export type ScreenMaker = (given: any) => Screen | Promise<Screen>;

import type { Params } from '../wire/form';

/** What is asked of the analyzer. */
export interface Question {
  source: string;
  destination: string;
  protocol: string;
  port: number;
  live: boolean;
}

export interface End {
  interface?: string;
  instance?: string;
  name?: string;
  address: string;
  vpc?: string;
}

export interface Cause {
  code: string;
  component: string;
  direction?: string;
  way: string;
  detail?: boolean;
  sentence: string;
}

export interface Hop {
  kind: string;
  component: string;
  direction?: string;
  decided?: string;
  blocked?: boolean;
  beyond?: boolean;
  sentence: string;
}

/** The analyzer's answer, as `tombolo reach -o json` prints it. */
export interface Answer {
  source: End;
  destination: End;
  protocol: string;
  port?: number;
  reachable: boolean;
  verdict: 'reachable' | 'unanswered' | 'unreachable';
  blocked_by?: Cause;
  causes: Cause[];
  forward: Hop[];
  return: Hop[];
}

/** One call of a fix. A parameter that is `makes` stands for the ID that the call which makes it answered with. */
export interface FixCall {
  account?: string;
  region?: string;
  action: string;
  params: Params;
  makes?: string;
}

/** A change that takes one cause away. Those of an answer are to be made in order. */
export interface Fix {
  sentence: string;
  commands: string[];
  calls: FixCall[];
}

/** What became of real packets. */
export interface LiveAnswer {
  verdict?: string;
  took_ms?: number;
  problem?: string;
}

export interface Reach {
  answer: Answer;
  live?: LiveAnswer | null;
  fixes?: Fix[] | null;
  /** Why there is no fix though it is blocked. */
  redesign?: string;
}

/** What the API answers when it does not do what it was asked. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

/** The refusal in an error of any kind: the network's own troubles are one too. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof TypeError) {
    return new Refusal('Unreachable', 'The daemon does not answer. Is `tombolo serve` running?', 0);
  }
  return new Refusal('Error', error instanceof Error ? error.message : String(error), 0);
}

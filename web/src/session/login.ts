type Listener = () => void;

/**
 * Login is the one place that knows whether somebody is logged in. Calls that the
 * daemon refused wait here until a token was given.
 */
class Login {
  /** One more with every login: a call tells by it whether its refusal is old news. */
  generation = 0;
  private expired = false;
  private listeners = new Set<Listener>();

  /** Subscribes a component (for useSyncExternalStore). */
  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Whether somebody must log in now. */
  needed = (): boolean => this.expired;

  /** Resolves when somebody logged in after the given generation. */
  renewed(sent: number, signal?: AbortSignal): Promise<void> {
    if (sent !== this.generation) return Promise.resolve();
    this.set(true);
    return new Promise((resolve, reject) => {
      const off = this.subscribe(() => {
        if (this.expired) return;
        off();
        resolve();
      });
      signal?.addEventListener('abort', () => {
        off();
        reject(signal.reason as Error);
      });
    });
  }

  /** Gives the token to the daemon, which sets the session's cookie. */
  async enter(token: string): Promise<void> {
    const answer = await fetch('/console/login', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'X-Tombolo-Console': '1', 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (!answer.ok) throw new Error(await wordsOf(answer));
    this.generation++;
    this.set(false);
  }

  private set(expired: boolean): void {
    this.expired = expired;
    for (const listener of [...this.listeners]) listener();
  }
}

async function wordsOf(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { message?: string }).message ?? `HTTP ${answer.status}`;
  } catch {
    return `HTTP ${answer.status}`;
  }
}

/** The token in what a person pasted: the URL that `tombolo console` prints, or the token alone. */
export function tokenIn(pasted: string): string {
  const text = pasted.trim();
  const found = /[#&?]token=([^&\s]+)/.exec(text);
  return found?.[1] ? decodeURIComponent(found[1]) : text;
}

export const login = new Login();

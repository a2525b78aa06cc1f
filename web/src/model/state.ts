/** How a state of AWS's looks: never by colour alone. */
export type Look = 'success' | 'pending' | 'error' | 'warning' | 'stopped' | 'info';

const looks: Record<string, Look> = {
  available: 'success',
  active: 'success',
  running: 'success',
  'in-use': 'success',
  attached: 'success',
  associated: 'success',
  ACTIVE: 'success',
  pending: 'pending',
  'initiating-request': 'pending',
  provisioning: 'pending',
  stopping: 'pending',
  'shutting-down': 'pending',
  deleting: 'pending',
  attaching: 'pending',
  detaching: 'pending',
  'pending-acceptance': 'info',
  blackhole: 'error',
  failed: 'error',
  expired: 'warning',
  rejected: 'warning',
  stopped: 'stopped',
  terminated: 'stopped',
  deleted: 'stopped',
  detached: 'stopped',
};

export function look(state: string): Look {
  return looks[state] ?? 'info';
}

/** A state in words: pending-acceptance → Pending acceptance. */
export function words(state: string): string {
  const text = state.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

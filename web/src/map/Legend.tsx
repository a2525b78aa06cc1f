import type { ReactNode } from 'react';

/** What signs and colours mean. */
export function Legend({ flows }: { flows: boolean }): ReactNode {
  return (
    <div className="legend over" aria-label="Legend" role="note">
      <span className="good">● running, active</span>
      <span className="wait">◐ pending</span>
      <span className="off">■ stopped</span>
      <span className="bad">✕ failed, blocked</span>
      {flows && (
        <>
          <span className="accepted">● accepted packets</span>
          <span className="rejected">✕ rejected packets</span>
        </>
      )}
    </div>
  );
}

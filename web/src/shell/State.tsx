import type { ReactNode } from 'react';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { look, words } from '../model/state';

/** A state as AWS calls it, with a sign and a colour. */
export function State({ of, children }: { of: string; children?: ReactNode }): ReactNode {
  if (of === '') return '–';
  const type: StatusIndicatorProps.Type = { success: 'success', pending: 'pending', error: 'error', warning: 'warning', stopped: 'stopped', info: 'info' }[look(of)] as StatusIndicatorProps.Type;
  return (
    <StatusIndicator type={type}>
      {words(of)}
      {children}
    </StatusIndicator>
  );
}

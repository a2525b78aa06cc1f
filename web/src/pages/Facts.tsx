import type { ReactNode } from 'react';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';

/** What is known about a thing, side by side. */
export function Facts({ of, columns = 4 }: { of: [label: string, value: ReactNode][]; columns?: number }): ReactNode {
  return <KeyValuePairs columns={columns} items={of.map(([label, value]) => ({ label, value: value === '' || value === undefined ? '–' : value }))} />;
}

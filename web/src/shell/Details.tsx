import type { ReactNode } from 'react';
import SplitPanel from '@cloudscape-design/components/split-panel';
import { panelLabels } from './labels';

/** The panel with the details of what is selected. */
export default function Details({ header, children }: { header: string; children: ReactNode }): ReactNode {
  return (
    <SplitPanel header={header} i18nStrings={panelLabels} hidePreferencesButton closeBehavior="hide">
      {children}
    </SplitPanel>
  );
}

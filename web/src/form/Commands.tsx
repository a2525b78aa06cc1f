import type { ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import ExpandableSection from '@cloudscape-design/components/expandable-section';

/** The AWS CLI commands that a button is about to do. */
export function Commands({ lines, open = false }: { lines: string[]; open?: boolean }): ReactNode {
  if (lines.length === 0) return null;
  return (
    <ExpandableSection headerText="AWS CLI" headerDescription="What this does, as a command" defaultExpanded={open} data-testid="cli">
      <div className="cli">
        <pre className="mono" tabIndex={0} aria-label="AWS CLI commands">
          {lines.join('\n')}
        </pre>
        <Box float="right">
          <CopyToClipboard copyButtonText="Copy" textToCopy={lines.join('\n')} copySuccessText="Copied" copyErrorText="Not copied" />
        </Box>
      </div>
    </ExpandableSection>
  );
}

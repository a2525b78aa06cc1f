import type { ReactNode } from 'react';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';

/** A text with a button that copies it; a dash for nothing. */
export function Copy({ text }: { text: string }): ReactNode {
  if (text === '') return '–';
  return <CopyToClipboard variant="inline" textToCopy={text} copyButtonAriaLabel={`Copy ${text}`} copySuccessText="Copied" copyErrorText="Not copied" />;
}

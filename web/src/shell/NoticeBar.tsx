import type { ReactNode } from 'react';
import Flashbar from '@cloudscape-design/components/flashbar';
import { dismiss, useNotices } from './notices';

/** What was done or was not, over the page. */
export default function NoticeBar(): ReactNode {
  return (
    <Flashbar
      items={useNotices().map((n) => ({ id: n.id, type: n.type, content: n.text, dismissible: true, dismissLabel: 'Dismiss', onDismiss: () => dismiss(n.id), ariaRole: n.type === 'error' ? 'alert' : 'status' }))}
    />
  );
}

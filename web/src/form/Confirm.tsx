import type { ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Ec2Call } from '../wire/ec2';
import { Ref } from '../shell/Ref';
import { FormModal } from './FormModal';

export interface ConfirmProps {
  title: string;
  verb: string;
  calls: Ec2Call[];
  children: ReactNode;
  /** What depends on what goes. */
  dependents?: { id: string; name?: string; what: string }[];
  onDismiss: () => void;
  onDone: () => void;
}

/** Asks before something goes, and says what depends on it. */
export function Confirm(p: ConfirmProps): ReactNode {
  const dependents = p.dependents ?? [];
  return (
    <FormModal title={p.title} submit={p.verb} calls={p.calls} problems={{}} onDismiss={p.onDismiss} onDone={p.onDone}>
      {() => (
        <SpaceBetween size="m">
          <Box>{p.children}</Box>
          {dependents.length > 0 && (
            <Alert type="warning" header="What depends on it">
              <ul className="plain" data-testid="dependents">
                {dependents.slice(0, 12).map((d) => (
                  <li key={`${d.id} ${d.what}`}>
                    <Ref id={d.id} name={d.name ?? ''} />: {d.what}
                  </li>
                ))}
                {dependents.length > 12 && <li>and {dependents.length - 12} more</li>}
              </ul>
            </Alert>
          )}
        </SpaceBetween>
      )}
    </FormModal>
  );
}

import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { Commands } from '../form/Commands';
import { useHere } from '../session/session';
import { notify } from '../shell/notices';
import { ec2, type Scope } from '../wire/ec2';
import type { Params } from '../wire/form';
import { refusalOf } from '../wire/refusal';
import type { Fix, FixCall } from './answer';
import { Sentence } from './Sentence';

/** The changes that would open the way, and the button that makes them. */
export function Fixes({ fixes }: { fixes: Fix[] }): ReactNode {
  const [asked, setAsked] = useState<Fix[]>();
  if (fixes.length === 0) return null;
  return (
    <SpaceBetween size="xs">
      <Box variant="h3" fontSize="heading-xs">What would open it</Box>
      <ol className="fixes">
        {fixes.map((f, i) => (
          <li key={`${i} ${f.sentence}`} data-testid={`fix-${i + 1}`}>
            <Sentence text={capital(f.sentence)} />
          </li>
        ))}
      </ol>
      <SpaceBetween direction="horizontal" size="xs">
        <Button variant="primary" onClick={() => setAsked(fixes.slice(0, 1))} data-testid="fix-first">
          {fixes.length > 1 ? 'Fix the first' : 'Fix it'}
        </Button>
        {fixes.length > 1 && (
          <Button onClick={() => setAsked(fixes)} data-testid="fix-all">
            Fix all {fixes.length}
          </Button>
        )}
      </SpaceBetween>
      {asked && <Apply fixes={asked} close={() => setAsked(undefined)} />}
    </SpaceBetween>
  );
}

function Apply({ fixes, close }: { fixes: Fix[]; close: () => void }): ReactNode {
  const { scope } = useHere();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ code: string; message: string }>();
  const apply = async (): Promise<void> => {
    setBusy(true);
    try {
      await make(scope, fixes.flatMap((f) => f.calls));
      notify('success', fixes.length > 1 ? `${fixes.length} changes made.` : `Done: ${fixes[0]?.sentence ?? ''}`);
      close();
    } catch (e) {
      setProblem(refusalOf(e));
    } finally {
      setBusy(false);
      await client.invalidateQueries();
    }
  };
  return (
    <Modal
      visible
      header={fixes.length > 1 ? `Make ${fixes.length} changes?` : 'Make this change?'}
      closeAriaLabel="Close"
      onDismiss={close}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void apply()} data-testid="fix-apply">
              Do it
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ol className="fixes">
          {fixes.map((f, i) => (
            <li key={`${i} ${f.sentence}`}>
              <Sentence text={capital(f.sentence)} />
            </li>
          ))}
        </ol>
        <Commands lines={fixes.flatMap((f) => f.commands)} open />
        {problem && (
          <Alert type="error" header={problem.code}>
            {problem.message}
          </Alert>
        )}
      </SpaceBetween>
    </Modal>
  );
}

/** A sentence begins with a capital, unless it begins with an ID. */
function capital(text: string): string {
  return /^[a-z]+-[0-9a-f]{8}/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** Makes calls in order; an ID that one of them makes goes into those after it. */
async function make(scope: Scope, calls: FixCall[]): Promise<void> {
  const made = new Map<string, string>();
  for (const c of calls) {
    const params: Params = Object.fromEntries(Object.entries(c.params).map(([k, v]) => [k, typeof v === 'string' ? (made.get(v) ?? v) : v]));
    const answer = await ec2({ account: c.account ?? scope.account, region: c.region ?? scope.region }, { action: c.action, params });
    if (c.makes) made.set(c.makes, answer.text('vpcPeeringConnection.vpcPeeringConnectionId'));
  }
}

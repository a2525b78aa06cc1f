import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { command } from '../cli/command';
import { useCalls } from '../model/use';
import { refusalOf, type Refusal } from '../wire/refusal';
import type { Ec2Call } from '../wire/ec2';
import type { Xml } from '../wire/xml';
import { blame } from './blame';
import { Commands } from './Commands';

export interface FormModalProps {
  title: string;
  submit: string;
  /** What the form would do now. Later calls are made when those before succeeded. */
  calls: Ec2Call[];
  /** What is wrong with a field as it stands ('' for nothing). */
  problems: Record<string, string>;
  onDismiss: () => void;
  onDone: (answer: Xml | undefined) => void;
  size?: 'medium' | 'large' | 'max';
  /** The fields; each asks for the text to show beside it. */
  children: (error: (field: string) => string) => ReactNode;
}

/**
 * A form that makes calls. Fields are checked as one types; what the API refuses is
 * shown beside the field that it is about, in AWS's words, and nothing is lost.
 */
export function FormModal(p: FormModalProps): ReactNode {
  const call = useCalls();
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const [done, setDone] = useState(0);
  const wrong = Object.values(p.problems).some((problem) => problem !== '');
  const blamed = refusal ? blame(refusal, Object.keys(p.problems)) : '';
  const error = (field: string): string => {
    const problem = p.problems[field] ?? '';
    if (problem !== '' && (tried || !problem.startsWith('Enter') && !problem.startsWith('Choose'))) return problem;
    return refusal && blamed === field ? `${refusal.message} (${refusal.code})` : '';
  };
  const submit = async (): Promise<void> => {
    setTried(true);
    if (wrong || busy) return;
    setBusy(true);
    setRefusal(undefined);
    let answer: Xml | undefined;
    let made = done;
    try {
      for (const c of p.calls.slice(made)) {
        answer = await call(c);
        made++;
      }
      p.onDone(answer);
    } catch (e) {
      setDone(made);
      setRefusal(refusalOf(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header={p.title}
      size={p.size ?? 'medium'}
      closeAriaLabel="Close"
      onDismiss={p.onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={p.onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void submit()} data-testid="submit">
              {p.submit}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <Form>
          <SpaceBetween size="m">
            {p.children(error)}
            {refusal && blamed === '' && (
              <Alert type="error" header={refusal.code} data-testid="refusal">
                {refusal.message}
              </Alert>
            )}
            <Commands lines={wrong ? [] : p.calls.map(command)} />
          </SpaceBetween>
        </Form>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Modal>
  );
}

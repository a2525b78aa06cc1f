import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { login, tokenIn } from './login';

/** Asks for a token, over whatever the page shows: what is typed there stays. */
export default function AskToken(): ReactNode {
  const [pasted, setPasted] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const enter = async (): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await login.enter(tokenIn(pasted));
      setPasted('');
    } catch (e) {
      setProblem(e instanceof TypeError ? 'The daemon does not answer. Is `tombolo serve` running?' : (e as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header="Log in to Tombolo"
      closeAriaLabel="Close"
      data-testid="login"
      onDismiss={() => undefined}
      footer={
        <Box float="right">
          <Button variant="primary" loading={busy} disabled={pasted.trim() === ''} onClick={() => void enter()} data-testid="login-submit">
            Log in
          </Button>
        </Box>
      }
    >
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void enter();
        }}
      >
        <SpaceBetween size="m">
          <Box>
            Run <Box variant="code">tombolo console</Box> in a terminal and paste what it prints. What you typed in this page stays as it is.
          </Box>
          <FormField label="URL or token" errorText={problem}>
            <Input value={pasted} onChange={(e) => setPasted(e.detail.value)} placeholder="http://127.0.0.1:4566/console/#token=…" autoFocus />
          </FormField>
          {problem !== '' && <Alert type="info">A token works once. Each run of tombolo console prints another.</Alert>}
        </SpaceBetween>
      </form>
    </Modal>
  );
}

import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Tabs from '@cloudscape-design/components/tabs';
import { kinds } from '../model/network';
import { useAll } from '../model/use';
import { useHere } from '../session/session';
import { notify } from '../shell/notices';
import { Shell as Page } from '../shell/Shell';
import { useTheme } from '../shell/theme';
import type { Status } from './session';
import { shells, type Shell } from './shells';
import './terminal.css';
import { openShell } from './screen';

/** The terminals: shells in instances, over Session Manager. */
export default function Terminals(): ReactNode {
  const { target } = useParams();
  const { scope } = useHere();
  const navigate = useNavigate();
  const theme = useTheme();
  const open = useSyncExternalStore(shells.subscribe, shells.all);
  const { data } = useAll(kinds.instances);
  const [chosen, setChosen] = useState('');
  const running = (data ?? []).filter((i) => i.state === 'running');
  const asked = useRef('');
  const connect = (id: string): void => {
    const instance = (data ?? []).find((i) => i.id === id);
    setChosen(openShell(scope, id, instance?.name || id, theme === 'dark'));
  };
  useEffect(() => {
    // The address says it once: going back to it opens no second shell.
    if (target === undefined || data === undefined || asked.current === target) return;
    asked.current = target;
    connect(target);
    void navigate('/terminals', { replace: true });
  });
  useEffect(() => {
    for (const s of open) s.screen.setTheme(theme === 'dark');
  }, [theme, open]);
  const active = open.find((s) => s.id === chosen) ?? open.at(-1);
  const more = (
    <ButtonDropdown variant="primary" items={running.map((i) => ({ id: i.id, text: i.name || i.id, description: i.address }))} onItemClick={(e) => connect(e.detail.id)} disabled={running.length === 0} data-testid="new-terminal">
      New terminal
    </ButtonDropdown>
  );
  return (
    <Page title="Terminals" full>
      <div className="terminals">
        <div className="terminal-head">
          <Box variant="h1" fontSize="heading-m">
            Session Manager
          </Box>
          {more}
        </div>
        {active ? (
          <Tabs
            activeTabId={active.id}
            onChange={(e) => setChosen(e.detail.activeTabId)}
            ariaLabel="Terminals"
            disableContentPaddings
            tabs={open.map((s, i) => ({
              id: s.id,
              label: `${s.name} ${i + 1}`,
              dismissible: true,
              dismissLabel: `Close ${s.name} ${i + 1}`,
              onDismiss: () => shells.close(s.id),
              content: s.id === active.id ? <Pane shell={s} reopen={() => connect(s.target)} /> : null,
            }))}
          />
        ) : (
          <Box padding="xl" textAlign="center">
            <SpaceBetween size="m">
              <Box variant="p">{running.length === 0 ? 'No instance is running. Launch one, or start one that is stopped.' : 'No terminal is open. Open one in a running instance: no key, no open port is needed.'}</Box>
              {running.length === 0 ? <Button href="#/launch">Launch instance</Button> : null}
            </SpaceBetween>
          </Box>
        )}
      </div>
    </Page>
  );
}

const looks: Record<Status, 'success' | 'in-progress' | 'stopped'> = { connecting: 'in-progress', open: 'success', reconnecting: 'in-progress', ended: 'stopped' };
const texts: Record<Status, string> = { connecting: 'Connecting', open: 'Connected', reconnecting: 'Reconnecting', ended: 'Ended' };

function Pane({ shell, reopen }: { shell: Shell; reopen: () => void }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => (place.current ? shell.screen.mount(place.current) : undefined), [shell.id, shell.screen]);
  return (
    <div className="pane">
      <div className="pane-bar">
        <span role="status" data-testid="terminal-status">
          <StatusIndicator type={looks[shell.status]}>{texts[shell.status]}</StatusIndicator>
        </span>
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            iconName="copy"
            ariaLabel="Copy the selection (Ctrl+Shift+C)"
            onClick={() => {
              const text = shell.screen.copy();
              if (text === '') notify('info', 'Select something in the terminal first.');
              else void navigator.clipboard.writeText(text);
            }}
          >
            Copy
          </Button>
          <Button
            ariaLabel="Paste (Ctrl+Shift+V)"
            onClick={() => {
              navigator.clipboard.readText().then(
                (text) => shell.screen.paste(text),
                () => notify('info', 'The browser does not let a button paste here. Use Ctrl+Shift+V.'),
              );
            }}
          >
            Paste
          </Button>
          {shell.status === 'ended' ? (
            <Button onClick={reopen} data-testid="terminal-again">
              New session
            </Button>
          ) : (
            <Button onClick={() => shells.close(shell.id)} data-testid="terminal-end">
              Terminate
            </Button>
          )}
        </SpaceBetween>
      </div>
      {shell.status === 'ended' && shell.words !== '' && <Alert type="warning">{shell.words}</Alert>}
      <div className="screen" ref={place} data-testid="terminal" data-instance={shell.target} />
    </div>
  );
}

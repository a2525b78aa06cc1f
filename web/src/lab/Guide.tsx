import { useEffect, useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import type { Asked } from '../map/asked';
import type { Network } from '../map/useNetwork';
import { refusalOf } from '../wire/refusal';
import { useCourse, useTurn, type Course } from './course';
import { hint } from './hints';
import { StepCard } from './StepCard';
import './lab.css';

const key = 'tombolo.lab.step';

interface Props {
  network: Network;
  asked: Asked;
  setAsked: (a: Asked) => void;
}

/** The guided lab: ten steps beside the map, each checked by what really happens. */
export default function Guide({ network, asked, setAsked }: Props): ReactNode {
  const { data, error } = useCourse();
  if (error) return <Failure error={error} />;
  if (!data) return <Spinner />;
  return (
    <SpaceBetween size="s">
      <Box variant="h2" padding="n">
        Guided lab: connecting VPCs
      </Box>
      {data.built ? <Steps course={data} network={network} asked={asked} setAsked={setAsked} /> : <Start />}
    </SpaceBetween>
  );
}

function Start(): ReactNode {
  const turn = useTurn();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  return (
    <SpaceBetween size="s">
      <Box variant="p">Marketing and Developer need the service that runs on FinanceServer. They never need each other. You connect them, step by step, with real packets; at every failing step the map says why.</Box>
      <Button
        variant="primary"
        loading={busy}
        data-testid="lab-setup"
        onClick={() => {
          setBusy(true);
          setProblem(undefined);
          turn('setup').catch(setProblem).finally(() => setBusy(false));
        }}
      >
        Build the three departments
      </Button>
      {problem !== undefined && <Failure error={problem} />}
    </SpaceBetween>
  );
}

function Steps({ course, network, asked, setAsked }: Props & { course: Course }): ReactNode {
  const first = course.steps.find((s) => s.agree !== true)?.step ?? course.steps.length;
  const [open, setOpen] = useState(() => Number(sessionStorage.getItem(key)) || first);
  const [resetting, setResetting] = useState(false);
  const done = course.steps.filter((s) => s.agree === true).length;
  const [from, to] = hint(open, course.vpcs).path;
  // Other pages lead back here while the lab lasts.
  useEffect(() => sessionStorage.setItem(key, String(open)), [open]);
  // The map asks the question that the step is about.
  const source = chipOf(network, from);
  const destination = chipOf(network, to);
  useEffect(() => {
    if (source !== '' && destination !== '') setAsked({ ...asked, source, destination });
    // Only when the step, or what stands at its ends, changes: the person may ask otherwise.
  }, [open, source, destination]);
  return (
    <SpaceBetween size="s">
      <ProgressBar value={(100 * done) / Math.max(1, course.steps.length)} additionalInfo={`${done} of ${course.steps.length} steps done`} ariaLabel="Steps done" />
      <ol className="steps" aria-label="Steps">
        {course.steps.map((s) => (
          <StepCard key={s.step} step={s} course={course} open={open === s.step} onOpen={() => setOpen(s.step)} onNext={() => setOpen(Math.min(course.steps.length, s.step + 1))} />
        ))}
      </ol>
      {done === course.steps.length && (
        <Alert type="success" header="All ten steps agree">
          Explore on your own: everything here is real. Reset takes the lab away.
        </Alert>
      )}
      <Button onClick={() => setResetting(true)} data-testid="lab-reset">
        Reset the lab
      </Button>
      {resetting && <Reset close={() => setResetting(false)} onDone={() => sessionStorage.removeItem(key)} />}
    </SpaceBetween>
  );
}

function Reset({ close, onDone }: { close: () => void; onDone: () => void }): ReactNode {
  const turn = useTurn();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const reset = (): void => {
    setBusy(true);
    turn('reset')
      .then(() => {
        onDone();
        close();
      })
      .catch(setProblem)
      .finally(() => setBusy(false));
  };
  return (
    <Modal
      visible
      header="Reset the lab?"
      closeAriaLabel="Close"
      onDismiss={close}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={reset} data-testid="lab-reset-confirm">
              Reset
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="s">
        <Box>The three departments go, with their instances, routes, rules and peerings. What you made beside the lab stays.</Box>
        {problem !== undefined && <Failure error={problem} />}
      </SpaceBetween>
    </Modal>
  );
}

/** The interface of an instance on the map. */
function chipOf(network: Network, instance: string): string {
  for (const c of network.scene.chips.values()) if (c.instance === instance && instance !== '') return c.id;
  return '';
}

function Failure({ error }: { error: unknown }): ReactNode {
  const r = refusalOf(error);
  return (
    <Alert type="error" header={r.code}>
      {r.message}
    </Alert>
  );
}

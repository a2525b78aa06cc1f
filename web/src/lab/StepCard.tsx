import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { Sentence } from '../map/Sentence';
import { refusalOf } from '../wire/refusal';
import { useCheck, type Course, type Verdict } from './course';
import { hint } from './hints';

interface Props {
  step: Course['steps'][number];
  course: Course;
  open: boolean;
  onOpen: () => void;
  onNext: () => void;
}

/** One step: what to do, where, and what the packets say. */
export function StepCard({ step, course, open, onOpen, onNext }: Props): ReactNode {
  const look = step.agree === true ? 'success' : step.agree === false ? 'error' : 'pending';
  return (
    <li className={`step ${open ? 'open' : ''}`} data-testid={`lab-step-${step.step}`}>
      <button type="button" className="step-head" aria-expanded={open} onClick={onOpen}>
        <span className="step-number">{step.step}</span>
        <span className="step-title">{step.title}</span>
        <StatusIndicator type={look} iconAriaLabel={step.agree === true ? 'Done' : step.agree === false ? 'Not yet' : 'Not checked'} />
      </button>
      {open && <Body step={step} course={course} onNext={onNext} />}
    </li>
  );
}

function Body({ step, course, onNext }: Pick<Props, 'step' | 'course' | 'onNext'>): ReactNode {
  const check = useCheck();
  const [busy, setBusy] = useState(false);
  const [verdict, setVerdict] = useState<Verdict>();
  const [problem, setProblem] = useState<unknown>();
  const h = hint(step.step, course.vpcs);
  const run = (): void => {
    setBusy(true);
    setProblem(undefined);
    setVerdict(undefined);
    check(step.step).then(setVerdict).catch(setProblem).finally(() => setBusy(false));
  };
  return (
    <div className="step-body">
      <SpaceBetween size="s">
        <Box>{step.task}</Box>
        {h.places.length > 0 && (
          <ul className="places">
            {h.places.map((p) => (
              <li key={p.href}>
                <Link href={p.href}>{p.text}</Link>
              </li>
            ))}
          </ul>
        )}
        {h.copy.filter((c) => c.text !== '').map((c) => (
          <div key={`${c.label} ${c.text}`} className="to-copy">
            <Box variant="span" color="text-body-secondary" fontSize="body-s">
              {c.label}
            </Box>
            <span className="mono">
              <CopyToClipboard variant="inline" textToCopy={c.text} copyButtonAriaLabel={`Copy ${c.text}`} copySuccessText="Copied" copyErrorText="Not copied" />
            </span>
          </div>
        ))}
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant={verdict?.agree ? 'normal' : 'primary'} loading={busy} loadingText="Packets are on their way" onClick={run} data-testid={`lab-check-${step.step}`}>
            Check with packets
          </Button>
          {(verdict?.agree ?? step.agree) === true && step.step < course.steps.length && (
            <Button variant={verdict?.agree ? 'primary' : 'normal'} onClick={onNext} data-testid="lab-next">
              Next step
            </Button>
          )}
        </SpaceBetween>
        <div role="status" data-testid={`lab-verdict-${step.step}`}>
          {verdict && <Told verdict={verdict} why={h.why} />}
          {problem !== undefined && <Alert type="error">{refusalOf(problem).message}</Alert>}
        </div>
      </SpaceBetween>
    </div>
  );
}

function Told({ verdict, why }: { verdict: Verdict; why: string }): ReactNode {
  return (
    <SpaceBetween size="xs">
      <ul className="checks">
        {verdict.checks.map((c, i) => (
          <li key={`${i} ${c.want}`}>
            <StatusIndicator type={c.agree ? 'success' : 'error'}>
              <Sentence text={c.want} />
            </StatusIndicator>
            <Box fontSize="body-s" color="text-body-secondary" padding={{ left: 'l' }}>
              Seen: <Sentence text={c.seen} />
            </Box>
          </li>
        ))}
      </ul>
      {verdict.why && (
        <Alert type={verdict.agree ? 'info' : 'warning'} header="Why">
          <Sentence text={verdict.why} />
        </Alert>
      )}
      {verdict.agree && why !== '' && <Box color="text-body-secondary">{why}</Box>}
    </SpaceBetween>
  );
}

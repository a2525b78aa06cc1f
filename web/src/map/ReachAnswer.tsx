import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useHere } from '../session/session';
import { call } from '../wire/bridge';
import { query } from '../wire/ec2';
import { refusalOf } from '../wire/refusal';
import type { Cause, LiveAnswer, Question, Reach } from './answer';
import { Fixes } from './Fixes';
import { Hops } from './Hops';
import { Sentence } from './Sentence';

const headers = { reachable: 'It gets through', unanswered: 'The request arrives, the answer does not come back', unreachable: 'It does not get through' };

/** The analyzer's answer: the verdict, why, what would open it, and every hop. */
export function ReachAnswer({ reach, question }: { reach: Reach; question: Question }): ReactNode {
  const { answer } = reach;
  const more = answer.causes.filter((c) => !c.detail).slice(1);
  return (
    <SpaceBetween size="s">
      <div role="status" aria-live="polite" data-testid="reach-verdict">
        <Alert type={answer.verdict === 'reachable' ? 'success' : 'error'} header={headers[answer.verdict]}>
          {answer.blocked_by ? <Sentence text={sentence(answer.blocked_by)} /> : `${answer.source.name || answer.source.address} reaches ${answer.destination.name || answer.destination.address}, and the answer comes back.`}
        </Alert>
      </div>
      {more.length > 0 && (
        <ExpandableSection headerText={`${more.length} more ${more.length === 1 ? 'cause' : 'causes'} behind it`}>
          <ol className="fixes" start={2} data-testid="reach-causes">
            {more.map((c, i) => (
              <li key={`${i} ${c.code}`}>
                <Sentence text={sentence(c)} />
              </li>
            ))}
          </ol>
        </ExpandableSection>
      )}
      <Fixes fixes={reach.fixes ?? []} />
      {reach.redesign && (
        <Alert type="info" header="No change of settings opens this">
          {reach.redesign}
        </Alert>
      )}
      <Packets question={question} />
      <Box variant="h3" fontSize="heading-xs">The way there</Box>
      <Hops hops={answer.forward} label="The way there" />
      <ExpandableSection headerText="The way back" defaultExpanded={answer.verdict === 'unanswered'}>
        <Hops hops={answer.return} label="The way back" />
      </ExpandableSection>
    </SpaceBetween>
  );
}

function sentence(c: Cause): string {
  const text = c.sentence.charAt(0).toUpperCase() + c.sentence.slice(1);
  // A sentence that begins with an ID stays as the analyzer wrote it.
  return /^[a-z]+-[0-9a-f]{8}/.test(c.sentence) ? c.sentence : text;
}

/** Sends the packets themselves, and says what became of them. */
function Packets({ question }: { question: Question }): ReactNode {
  const { scope } = useHere();
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<{ live?: LiveAnswer | null; problem?: string }>();
  const send = async (): Promise<void> => {
    setBusy(true);
    setTold(undefined);
    try {
      setTold({ live: (await call<Reach>(`reach?${query(scope)}`, { ...question, live: true })).live ?? null });
    } catch (e) {
      setTold({ problem: refusalOf(e).message });
    } finally {
      setBusy(false);
    }
  };
  const problem = told?.problem ?? told?.live?.problem;
  return (
    <SpaceBetween size="xs" direction="horizontal" alignItems="center">
      <Button iconName="send" loading={busy} onClick={() => void send()} data-testid="reach-live">
        Send real packets
      </Button>
      <div role="status" data-testid="reach-live-answer">
        {problem && <StatusIndicator type="warning">{problem}</StatusIndicator>}
        {told?.live?.verdict && (
          <StatusIndicator type={told.live.verdict === 'answered' ? 'success' : 'error'}>
            {told.live.verdict} {told.live.took_ms === undefined ? '' : `after ${told.live.took_ms} ms`}
          </StatusIndicator>
        )}
      </div>
    </SpaceBetween>
  );
}

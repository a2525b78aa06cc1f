import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import AttributeEditor, { type AttributeEditorProps } from '@cloudscape-design/components/attribute-editor';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { command } from '../cli/command';
import { useCalls } from '../model/use';
import { refusalOf, type Refusal } from '../wire/refusal';
import { Commands } from './Commands';
import { after, type Base, type Step } from './rows';

export interface RowsFormProps<Row> {
  title: string;
  hint: ReactNode;
  rows: Row[];
  keyOf: (row: Row) => string;
  fresh: () => Row;
  add: string;
  empty: string;
  /** Whether a row can be changed: a local route cannot. */
  fixed?: (row: Row) => boolean;
  /** What is wrong with a column of a row, as it is typed. */
  problem: (row: Row, column: number, all: Row[]) => string;
  /** The column beside which a refusal is shown. */
  blame: (r: Refusal) => number;
  steps: (base: Base<Row>, rows: Row[]) => Step<Row>[];
  columns: { label: string; control: (row: Row, change: (row: Row) => void, i: number, fixed: boolean) => ReactNode }[];
  onDismiss: () => void;
  onDone: () => void;
}

/**
 * Edits the rows of a thing: routes, rules, entries. Saving makes one call for each
 * row that differs. Where the API refuses one, its words stand beside that row; rows
 * that were saved are saved, and the rest is still there.
 */
export function RowsForm<Row>(p: RowsFormProps<Row>): ReactNode {
  const call = useCalls();
  const [base, setBase] = useState<Base<Row>>(() => new Map(p.rows.map((r) => [p.keyOf(r), r])));
  const [rows, setRows] = useState(p.rows);
  const [refused, setRefused] = useState<{ key: string; refusal: Refusal }>();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const steps = p.steps(base, rows);
  const wrong = rows.some((r) => p.columns.some((_, c) => p.problem(r, c, rows) !== ''));
  const orphan = refused && !rows.some((r) => p.keyOf(r) === refused.key) ? refused.refusal : undefined;
  const save = async (): Promise<void> => {
    setTried(true);
    if (wrong || busy) return;
    setBusy(true);
    setRefused(undefined);
    let now = base;
    for (const step of steps) {
      try {
        await call(step.call);
        now = after(now, step);
        setBase(now);
      } catch (e) {
        setRefused({ key: step.key, refusal: refusalOf(e) });
        setBusy(false);
        return;
      }
    }
    setBusy(false);
    p.onDone();
  };
  const error = (row: Row, column: number): string => {
    const problem = p.problem(row, column, rows);
    if (problem !== '' && (tried || !/^(Enter|Choose)/.test(problem))) return problem;
    if (refused && refused.key === p.keyOf(row) && p.blame(refused.refusal) === column) return `${refused.refusal.message} (${refused.refusal.code})`;
    return '';
  };
  const definition: AttributeEditorProps.FieldDefinition<Row>[] = p.columns.map((c, column) => ({
    label: c.label,
    control: (row: Row, i: number) => c.control(row, (next) => setRows(rows.with(i, next)), i, p.fixed?.(row) ?? false),
    errorText: (row: Row) => error(row, column),
  }));
  return (
    <Modal
      visible
      size="max"
      header={p.title}
      closeAriaLabel="Close"
      onDismiss={p.onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={p.onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void save()} data-testid="submit">
              Save changes
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Box color="text-body-secondary">{p.hint}</Box>
        <AttributeEditor
          items={rows}
          definition={definition}
          addButtonText={p.add}
          removeButtonText="Remove"
          removeButtonAriaLabel={(row) => `Remove ${p.keyOf(row)}`}
          isItemRemovable={(row) => !(p.fixed?.(row) ?? false)}
          empty={p.empty}
          onAddButtonClick={() => setRows([...rows, p.fresh()])}
          onRemoveButtonClick={(e) => setRows(rows.filter((_, i) => i !== e.detail.itemIndex))}
          data-testid="rows"
        />
        {orphan && (
          <Alert type="error" header={orphan.code} data-testid="refusal">
            {orphan.message}
          </Alert>
        )}
        <Commands lines={wrong ? [] : steps.map((s) => command(s.call))} />
      </SpaceBetween>
    </Modal>
  );
}

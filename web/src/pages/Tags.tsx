import { useState, type ReactNode } from 'react';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Button from '@cloudscape-design/components/button';
import Input from '@cloudscape-design/components/input';
import { FormModal } from '../form/FormModal';
import type { Tagged } from '../model/tag';
import { notify } from '../shell/notices';
import type { Ec2Call } from '../wire/ec2';
import { Rows } from './Rows';

/** A thing's tags, and the form that changes them. */
export function Tags({ of }: { of: Tagged }): ReactNode {
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Rows
        title="Tags"
        items={Object.entries(of.tags)}
        columns={[
          ['Key', ([key]) => key],
          ['Value', ([, value]) => value],
        ]}
        empty="No tags. A Name tag is what lists and the map call it by."
        actions={<Button onClick={() => setEditing(true)}>Manage tags</Button>}
      />
      {editing && <TagsForm of={of} close={() => setEditing(false)} />}
    </>
  );
}

function TagsForm({ of, close }: { of: Tagged; close: () => void }): ReactNode {
  const [rows, setRows] = useState(() => Object.entries(of.tags).map(([key, value]) => ({ key, value })));
  const keys = rows.map((r) => r.key);
  const problem = rows.some((r) => r.key === '') ? 'Enter a key in every row, or remove the row.' : new Set(keys).size < keys.length ? 'A key stands twice.' : '';
  return (
    <FormModal
      title={`Tags of ${of.name || of.id}`}
      submit="Save"
      calls={tagCalls(of, rows)}
      problems={{ tags: problem }}
      onDismiss={close}
      onDone={() => {
        notify('success', `Tags of ${of.id} saved.`);
        close();
      }}
    >
      {(error) => (
        <AttributeEditor
          items={rows}
          addButtonText="Add tag"
          removeButtonText="Remove"
          empty="No tags."
          additionalInfo={error('tags')}
          onAddButtonClick={() => setRows([...rows, { key: '', value: '' }])}
          onRemoveButtonClick={(e) => setRows(rows.filter((_, i) => i !== e.detail.itemIndex))}
          definition={[
            { label: 'Key', control: (row, i) => <Input value={row.key} ariaLabel={`Key ${i + 1}`} onChange={(e) => setRows(rows.with(i, { ...row, key: e.detail.value }))} /> },
            { label: 'Value', control: (row, i) => <Input value={row.value} ariaLabel={`Value ${i + 1}`} onChange={(e) => setRows(rows.with(i, { ...row, value: e.detail.value }))} /> },
          ]}
        />
      )}
    </FormModal>
  );
}

/** The calls that turn a thing's tags into these. */
export function tagCalls(of: Tagged, rows: { key: string; value: string }[]): Ec2Call[] {
  const gone = Object.keys(of.tags).filter((k) => !rows.some((r) => r.key === k));
  const put = rows.filter((r) => of.tags[r.key] !== r.value);
  const calls: Ec2Call[] = [];
  if (gone.length > 0) calls.push({ action: 'DeleteTags', params: { ResourceId: [of.id], Tag: gone.map((Key) => ({ Key })) } });
  if (put.length > 0) calls.push({ action: 'CreateTags', params: { ResourceId: [of.id], Tag: put.map((r) => ({ Key: r.key, Value: r.value })) } });
  return calls;
}

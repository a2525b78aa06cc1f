import type { ReactNode } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import { kinds } from '../model/network';
import { useAll } from '../model/use';

/** Chooses security groups of one VPC. */
export function GroupsSelect({ vpc, value, onChange, error }: { vpc: string; value: readonly string[]; onChange: (ids: string[]) => void; error: string }): ReactNode {
  const groups = (useAll(kinds.groups).data ?? []).filter((g) => g.vpc === vpc);
  const options = groups.map((g) => ({ value: g.id, label: g.groupName, description: `${g.id} · ${g.description}` }));
  return (
    <FormField label="Security groups" constraintText="Without one, the VPC’s default group." errorText={error}>
      <Multiselect
        selectedOptions={options.filter((o) => value.includes(o.value))}
        options={options}
        placeholder={vpc === '' ? 'Choose a subnet first' : 'Choose groups'}
        deselectAriaLabel={(o) => `Remove ${o.label ?? ''}`}
        empty="No groups."
        onChange={(e) => onChange(e.detail.selectedOptions.map((o) => o.value ?? ''))}
        data-testid="select-groups"
      />
    </FormField>
  );
}

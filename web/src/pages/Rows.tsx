import type { ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';

export interface RowsProps<T> {
  title: string;
  items: T[];
  columns: [header: string, cell: (item: T) => ReactNode][];
  actions?: ReactNode;
  empty: string;
  label?: string;
}

/** A small table inside the details of a thing: its routes, rules, entries. */
export function Rows<T>({ title, items, columns, actions, empty, label }: RowsProps<T>): ReactNode {
  return (
    <Table
      variant="borderless"
      items={items}
      ariaLabels={{ tableLabel: label ?? title }}
      header={
        <Header variant="h3" counter={`(${items.length})`} actions={actions}>
          {title}
        </Header>
      }
      empty={<Box color="text-body-secondary">{empty}</Box>}
      columnDefinitions={columns.map(([header, cell], i) => ({ id: String(i), header, cell, isRowHeader: i === 0 }))}
    />
  );
}

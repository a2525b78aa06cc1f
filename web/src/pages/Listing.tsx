import { useMemo, useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useCollection, type PropertyFilterOperator } from '@cloudscape-design/collection-hooks';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import PropertyFilter from '@cloudscape-design/components/property-filter';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useAll } from '../model/use';
import { byName } from '../model/order';
import type { Kind } from '../model/network';
import type { Tagged } from '../model/tag';
import { Copy } from '../shell/Copy';
import { Shell } from '../shell/Shell';
import { refusalOf } from '../wire/refusal';

/** A column: the text is what one sorts and filters by, the cell what one sees. */
export interface Column<T> {
  id: string;
  header: string;
  text: (item: T) => string;
  cell?: (item: T) => ReactNode;
  width?: number;
  hidden?: boolean;
}

export interface ListingProps<T extends Tagged> {
  title: string;
  singular: string;
  path: string;
  kind: Kind<T>;
  columns: Column<T>[];
  description: string;
  /** What there is to do when there is nothing. */
  empty: string;
  create?: { text: string; onClick: () => void };
  actions?: (selected: T | undefined) => ReactNode;
  details: (item: T) => ReactNode;
  /** Several at once. */
  multi?: (selected: T[]) => ReactNode;
}

const operators: PropertyFilterOperator[] = [':', '!:', '=', '!='];
const sizes = [25, 50, 100, 500];
const key = 'tombolo.rows';

/** A page of the console: a filterable table, actions, and details of the selected one. */
export function Listing<T extends Tagged>(p: ListingProps<T>): ReactNode {
  const { id } = useParams();
  const navigate = useNavigate();
  const { data, isPending, error, refetch, isFetching } = useAll(p.kind);
  const [rows, setRows] = useState(() => Number(localStorage.getItem(key)) || 50);
  const [several, setSeveral] = useState<string[]>([]);
  const columns = useMemo<Column<T>[]>(
    () => [
      { id: 'name', header: 'Name', text: (t) => t.name || '–', width: 190 },
      { id: 'id', header: `${p.singular} ID`, text: (t) => t.id, cell: (t) => <Copy text={t.id} />, width: 240 },
      ...p.columns,
    ],
    [p.columns, p.singular],
  );
  const { items, collectionProps, propertyFilterProps, paginationProps, filteredItemsCount, actions } = useCollection<T>(data ?? [], {
    propertyFiltering: {
      filteringProperties: columns.map((c) => ({ key: c.id, propertyLabel: c.header, groupValuesLabel: `${c.header} values`, operators })),
      filteringFunction: (item, query) => matches(item, query, columns),
      empty: <Empty text={p.empty} create={p.create} />,
      noMatch: (
        <Box textAlign="center" padding="m">
          <SpaceBetween size="s">
            <b>No matches</b>
            <Button onClick={() => actions.setPropertyFiltering({ tokens: [], operation: 'and' })}>Clear filter</Button>
          </SpaceBetween>
        </Box>
      ),
    },
    pagination: { pageSize: rows },
    sorting: { defaultState: { sortingColumn: { sortingField: 'name', sortingComparator: comparator(columns[0]!) } } },
  });
  const selected = (data ?? []).find((t) => t.id === id);
  const chosen = p.multi ? (data ?? []).filter((t) => several.includes(t.id) || t.id === id) : selected ? [selected] : [];
  const problem = error && refusalOf(error);
  const select = (items: T[]): void => {
    setSeveral(items.map((t) => t.id));
    const last = items.find((t) => !several.includes(t.id) && t.id !== id) ?? items[0];
    void navigate(items.length === 1 && last ? `/${p.path}/${last.id}` : `/${p.path}`);
  };
  return (
    <Shell
      title={p.title}
      details={
        selected && chosen.length === 1
          ? { header: selected.name === '' || selected.name === selected.id ? selected.id : `${selected.name} (${selected.id})`, body: p.details(selected), close: () => void navigate(`/${p.path}`) }
          : undefined
      }
    >
      <SpaceBetween size="s">
        {problem && (
          <Alert type="error" header={problem.code} action={<Button onClick={() => void refetch()}>Try again</Button>}>
            {problem.message}
          </Alert>
        )}
        <Table
          {...collectionProps}
          data-testid={`list-${p.path}`}
          variant="full-page"
          stickyHeader
          resizableColumns
          loading={isPending}
          loadingText={`Loading ${lower(p.title)}`}
          items={items}
          trackBy="id"
          selectionType={p.multi ? 'multi' : 'single'}
          selectedItems={chosen}
          onSelectionChange={(e) => select(e.detail.selectedItems)}
          onRowClick={(e) => select([e.detail.item])}
          ariaLabels={{
            tableLabel: p.title,
            selectionGroupLabel: `${p.title} selection`,
            itemSelectionLabel: (_, item) => `Select ${item.name || item.id}`,
            allItemsSelectionLabel: () => 'Select all',
          }}
          columnDefinitions={columns.map((c) => ({
            id: c.id,
            header: c.header,
            cell: (item: T) => c.cell?.(item) ?? c.text(item),
            sortingField: c.id,
            sortingComparator: comparator(c),
            width: c.width ?? 160,
            minWidth: 80,
            isRowHeader: c.id === 'name',
          }))}
          header={
            <Header
              variant="awsui-h1-sticky"
              description={p.description}
              counter={data ? `(${filteredItemsCount === data.length || filteredItemsCount === undefined ? data.length : `${filteredItemsCount}/${data.length}`})` : ''}
              actions={
                <div className="actions">
                  <Button iconName="refresh" ariaLabel="Refresh" loading={isFetching && !isPending} onClick={() => void refetch()} />
                  {p.multi ? p.multi(chosen) : p.actions?.(selected)}
                  {p.create && (
                    <Button variant="primary" onClick={p.create.onClick} data-testid="create">
                      {p.create.text}
                    </Button>
                  )}
                </div>
              }
            >
              {p.title}
            </Header>
          }
          filter={<PropertyFilter {...propertyFilterProps} filteringAriaLabel={`Find ${lower(p.title)}`} filteringPlaceholder={`Find ${lower(p.title)} by any attribute`} countText={filteredItemsCount === 1 ? '1 match' : `${filteredItemsCount ?? 0} matches`} />}
          pagination={<Pagination {...paginationProps} ariaLabels={{ nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }} />}
          preferences={
            <CollectionPreferences
              title="Preferences"
              confirmLabel="Confirm"
              cancelLabel="Cancel"
              preferences={{ pageSize: rows }}
              pageSizePreference={{ title: 'Rows on a page', options: sizes.map((n) => ({ value: n, label: String(n) })) }}
              onConfirm={(e) => {
                const n = e.detail.pageSize ?? rows;
                localStorage.setItem(key, String(n));
                setRows(n);
              }}
            />
          }
        />
      </SpaceBetween>
    </Shell>
  );
}

function Empty({ text, create }: { text: string; create: { text: string; onClick: () => void } | undefined }): ReactNode {
  return (
    <Box textAlign="center" padding="l" data-testid="empty">
      <SpaceBetween size="s">
        <Box>{text}</Box>
        {create && <Button onClick={create.onClick}>{create.text}</Button>}
      </SpaceBetween>
    </Box>
  );
}

/** A title inside a sentence: abbreviations stay as they are. */
function lower(title: string): string {
  return /^[A-Z][a-z]/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;
}

function comparator<T>(c: Column<T>): (a: T, b: T) => number {
  return (a, b) => byName(c.text(a), c.text(b));
}

interface Token {
  propertyKey?: string;
  operator: string;
  value: string;
}

function matches<T extends Tagged>(item: T, query: { tokens: readonly Token[]; operation: string }, columns: Column<T>[]): boolean {
  const all = (c: Column<T>): string => c.text(item).toLowerCase();
  const test = (t: Token): boolean => {
    const value = t.value.toLowerCase();
    const texts = t.propertyKey === undefined ? [...columns.map(all), ...Object.entries(item.tags).map(([k, v]) => `${k}=${v}`.toLowerCase())] : columns.filter((c) => c.id === t.propertyKey).map(all);
    const holds = t.operator.includes(':') ? texts.some((x) => x.includes(value)) : texts.some((x) => x === value);
    return t.operator.startsWith('!') ? !holds : holds;
  };
  return query.operation === 'or' ? query.tokens.length === 0 || query.tokens.some(test) : query.tokens.every(test);
}

import { destinationParameter, targetParameter, type Route } from '../model/routeTable';
import type { Base, Step } from './rows';

/** A route as one edits it; `key` stays the same while the destination is typed. */
export interface RouteRow extends Route {
  key: string;
}

/** The calls that turn the routes of a table into these. A local route is never touched. */
export function routeSteps(table: string, base: Base<RouteRow>, rows: RouteRow[]): Step<RouteRow>[] {
  const out: Step<RouteRow>[] = [];
  const at = (r: Route): Record<string, string> => ({ RouteTableId: table, [destinationParameter(r.destination)]: r.destination.trim() });
  const to = (r: Route): Record<string, string> => ({ [targetParameter(r.target)]: r.target.trim() });
  const gone = (key: string, r: RouteRow): Step<RouteRow> => ({ key, becomes: undefined, call: { action: 'DeleteRoute', params: at(r) } });
  for (const [key, was] of base) {
    const row = rows.find((r) => r.key === key);
    if (was.target === 'local' || (row && row.destination.trim() === was.destination)) continue;
    out.push(gone(key, was));
  }
  for (const row of rows) {
    const was = base.get(row.key);
    const same = was && was.destination === row.destination.trim();
    if (same && was.target === row.target.trim()) continue;
    out.push({ key: row.key, becomes: row, call: { action: same ? 'ReplaceRoute' : 'CreateRoute', params: { ...at(row), ...to(row) } } });
  }
  return out;
}

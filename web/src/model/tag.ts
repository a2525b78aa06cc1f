import type { Xml } from '../wire/xml';

export type Tags = Record<string, string>;

/** What everything that has tags has in common. */
export interface Tagged {
  id: string;
  name: string;
  tags: Tags;
}

export function tagged(x: Xml, idPath: string): Tagged {
  const tags = Object.fromEntries(x.list('tagSet').map((t) => [t.text('key'), t.text('value')]));
  return { id: x.text(idPath), name: tags['Name'] ?? '', tags };
}

/** How a person calls it: its Name, or its ID. */
export function called(t: Tagged | undefined, id = ''): string {
  return t ? t.name || t.id : id;
}

/** The TagSpecification of a create call; nothing when nothing is named. */
export function named(resourceType: string, name: string): { ResourceType: string; Tag: { Key: string; Value: string }[] }[] | undefined {
  return name.trim() === '' ? undefined : [{ ResourceType: resourceType, Tag: [{ Key: 'Name', Value: name.trim() }] }];
}

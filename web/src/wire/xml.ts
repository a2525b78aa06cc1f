/**
 * Xml reads one element of an answer of AWS's query APIs. What is not there reads
 * as '', 0, false or an empty list: AWS leaves out what has no value.
 */
export class Xml {
  private constructor(private readonly element: Element | undefined) {}

  /** The document element of an answer. */
  static parse(text: string): Xml {
    const document = new DOMParser().parseFromString(text, 'application/xml');
    const root = document.documentElement;
    if (root.getElementsByTagName('parsererror').length > 0 || root.localName === 'parsererror') {
      throw new SyntaxError('the answer is not XML');
    }
    return new Xml(root);
  }

  /** The element at a dotted path: `vpc.vpcId`. */
  at(path: string): Xml {
    let here: Element | undefined = this.element;
    for (const name of path.split('.')) here = child(here, name);
    return new Xml(here);
  }

  get exists(): boolean {
    return this.element !== undefined;
  }

  text(path: string): string {
    return this.at(path).element?.textContent?.trim() ?? '';
  }

  number(path: string): number {
    return Number(this.text(path)) || 0;
  }

  /** A number, or undefined where AWS says nothing: port 0 and no port differ. */
  maybe(path: string): number | undefined {
    const text = this.text(path);
    return text === '' ? undefined : Number(text);
  }

  flag(path: string): boolean {
    return this.text(path) === 'true';
  }

  /** The members of a set. */
  list(path: string): Xml[] {
    const set = this.at(path).element;
    return set ? [...set.children].filter((c) => c.localName === 'item').map((c) => new Xml(c)) : [];
  }

  /** All elements of a name, at whatever depth. */
  find(name: string): Xml | undefined {
    const found = this.element?.getElementsByTagName(name)[0];
    return found && new Xml(found);
  }

  get value(): string {
    return this.element?.textContent?.trim() ?? '';
  }
}

function child(parent: Element | undefined, name: string): Element | undefined {
  for (const c of parent?.children ?? []) if (c.localName === name) return c;
  return undefined;
}

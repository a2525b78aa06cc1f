const collator = new Intl.Collator('en', { numeric: true });

/** The order in which people look for names: web2 before web10. */
export const byName = (a: string, b: string): number => collator.compare(a, b);

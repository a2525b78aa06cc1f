// What the scripts share: a browser in front of the daemon, what must hold on every
// page, and what is kept when something does not.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Runs the command line. */
export const tombolo = (...args) => execFileSync(process.env.TOMBOLO, args, { encoding: 'utf8' }).trim();

/** Runs the AWS CLI against the daemon. */
export const aws = (...args) => JSON.parse(tombolo('aws', ...args, '--output', 'json') || '{}');

export function must(ok, what) {
  if (!ok) throw new Error(`not so: ${what}`);
}

/**
 * Opens the console in a browser, has the script work with it, and checks what must
 * hold of everything that the browser did.
 */
export async function visit(name, script, options = {}) {
  const address = tombolo('console');
  const origin = new URL(address).origin;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  process.once('SIGINT', () => void browser.close().then(() => process.exit(130)));
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'], ...options });
  await context.tracing.start({ screenshots: true, snapshots: true });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const wrong = [];
  page.wrong = wrong; // what is found on the way and does not end the script
  context.on('request', (r) => {
    const url = r.url();
    if (!url.startsWith(`${origin}/console/`) && !url.startsWith('data:') && !url.startsWith('blob:')) wrong.push(`a request to ${url}`);
  });
  page.on('websocket', (w) => {
    if (!w.url().startsWith(`${origin.replace(/^http/, 'ws')}/console/stream/`)) wrong.push(`a websocket to ${w.url()}`);
  });
  context.on('requestfailed', (r) => {
    // The page ends its stream of events itself, to begin another.
    if (r.failure()?.errorText !== 'net::ERR_ABORTED') wrong.push(`a request that failed: ${r.url()} ${r.failure()?.errorText}`);
  });
  page.on('pageerror', (e) => wrong.push(`an error of the page: ${e.message}`));
  page.on('console', (m) => {
    // What a browser says of an HTTP status is no fault of the page: some calls are made to be refused.
    if (m.type() === 'error' && !m.text().startsWith('Failed to load resource')) wrong.push(`on the page's console: ${m.text()}`);
  });
  let failed;
  try {
    await script({ page, context, origin, address });
    if (wrong.length > 0) throw new Error('the script went through, but not everything was as it must be');
    await context.tracing.stop();
  } catch (e) {
    failed = e;
    mkdirSync('out', { recursive: true });
    await page.screenshot({ path: `out/${name}.png` }).catch(() => {});
    await context.tracing.stop({ path: `out/${name}.zip` }).catch(() => {});
    const open = page.getByRole('dialog').filter({ visible: true }).first();
    console.error(await open.ariaSnapshot({ timeout: 1_000 }).catch(() => ''));
    console.error(`${name} at ${page.url()}: ${[e.message, ...wrong].join('\n')}`);
  }
  await browser.close();
  if (failed) process.exitCode = 1;
  else rmSync(`out/${name}.zip`, { force: true });
}

/** Checks a page for barriers (axe-core, WCAG 2.1 A and AA). */
export async function accessible(page, what) {
  // The policy forbids the page to run what was not built into it; a debugger may.
  const client = await page.context().newCDPSession(page);
  await client.send('Runtime.evaluate', { expression: axeSource });
  const { result, exceptionDetails } = await client.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then((r) => JSON.stringify(r.violations.map((v) =>
      v.id + ': ' + v.help + '\\n    ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + '  ' + n.html.slice(0, 160)).join('\\n    '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await client.detach();
  if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  const violations = JSON.parse(result.value);
  if (violations.length > 0) page.wrong.push(`barriers on ${what}:\n${violations.join('\n')}`);
}

/** Says which step a script is at, and how long the last took. */
let last = Date.now();
export function step(text) {
  console.log(`${((Date.now() - last) / 1000).toFixed(1)} s`);
  last = Date.now();
  console.log(text);
}

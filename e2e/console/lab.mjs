// The whole lab, by mouse and keyboard through the console alone: guide, map, forms
// and terminal, with real packets. What the AWS CLI says at the end must agree.
import { mkdirSync } from 'node:fs';
import { accessible, aws, must, step, visit } from './browser.mjs';

const finance = '172.31.1.199';

await visit('lab', async ({ page, address }) => {
  await page.goto(address);
  await page.getByTestId('map').waitFor();

  const shot = async (name) => {
    if (!process.env.SHOTS) return;
    mkdirSync(process.env.SHOTS, { recursive: true });
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
  };
  const nav = async (name) => {
    const link = page.getByRole('link', { name, exact: true }).filter({ visible: true });
    const toggle = page.getByRole('button', { name: 'Open navigation' }).filter({ visible: true });
    await link.or(toggle).first().waitFor();
    if ((await link.count()) === 0) await toggle.click();
    await link.first().click();
  };
  const card = (n) => page.getByTestId(`lab-step-${n}`);

  /** Opens a step of the guide. */
  const open = async (n) => {
    await nav('Guided lab');
    const head = card(n).getByRole('button').first();
    await head.waitFor();
    if ((await head.getAttribute('aria-expanded')) === 'false') await head.click();
    await page.getByTestId(`lab-check-${n}`).waitFor();
  };

  /** Has the guide check a step, and holds it to what must come of it. */
  const check = async (n, agree, words = '') => {
    await open(n);
    const answered = page.waitForResponse((r) => r.url().includes('/console/lab') && r.request().postData()?.includes('check'));
    await page.getByTestId(`lab-check-${n}`).click();
    const finding = await (await answered).json();
    must(finding.agree === agree, `step ${n} ${agree ? 'agrees' : 'does not agree'}: ${JSON.stringify(finding, null, 1)}`);
    await card(n).getByRole('img', { name: agree ? 'Done' : 'Not yet' }).first().waitFor();
    if (words !== '') await page.getByTestId(`lab-verdict-${n}`).getByText(words).first().waitFor();
  };

  /** Goes where a step of the guide points. */
  const place = async (n, text) => {
    await open(n);
    await card(n).getByRole('link', { name: text }).click();
  };

  const dialog = () => page.getByRole('dialog').filter({ has: page.getByTestId('submit') });
  const submit = async () => {
    await dialog().getByTestId('submit').click();
    await dialog().waitFor({ state: 'detached' });
  };

  /** Chooses in a select or an autosuggest. */
  const choose = async (control, option) => {
    await control.click();
    await page.getByRole('option').filter({ hasText: option }).first().click();
  };

  /** Requests a peering connection with Finance, and accepts it. */
  const peer = async (n, from) => {
    await place(n, 'Create a peering connection');
    await dialog().getByLabel('Name', { exact: true }).fill(`${from}-Finance`);
    await choose(dialog().getByTestId('select-vpc-id-requester-').getByRole('button'), from);
    await choose(dialog().getByTestId('select-vpc-id-accepter-').getByRole('button'), 'Finance');
    await submit();
    const list = page.getByTestId('list-peering-connections');
    await list.getByText('pending-acceptance').or(list.getByText('Pending acceptance')).first().waitFor();
    await page.getByTestId('accept').click();
    await submit();
    await list.getByRole('row').filter({ hasText: `${from}-Finance` }).getByText(/^active$/i).waitFor();
  };

  /** Adds a route through a peering connection, on the page of a route table. */
  const route = async (destination, by) => {
    await page.getByTestId('edit-routes').click();
    await dialog().getByRole('button', { name: 'Add route' }).click();
    const n = await dialog().getByRole('textbox', { name: /^Destination \d+$/ }).count();
    await dialog().getByRole('textbox', { name: `Destination ${n}` }).fill(destination);
    await choose(dialog().getByPlaceholder(/^Peering/).nth(n - 1), by);
    await submit();
  };

  /** Lets HTTP and ping in, on the page of a security group. */
  const allow = async (source) => {
    await page.getByTestId('edit-inbound').click();
    for (const type of ['HTTP', 'Echo request']) {
      await dialog().getByRole('button', { name: 'Add rule' }).click();
      const n = await dialog().getByPlaceholder('10.0.0.0/16 or sg-…').count();
      if (type !== 'HTTP') await choose(dialog().getByRole('button', { name: new RegExp(`Type ${n}\\b`) }), type);
      await dialog().getByPlaceholder('10.0.0.0/16 or sg-…').nth(n - 1).fill(source);
      await page.keyboard.press('Escape');
    }
    await submit();
  };

  /** Types a command into the terminal and gives what it printed. */
  let typed = 0;
  const type = async (command) => {
    const screen = page.getByTestId('terminal').filter({ visible: true });
    await screen.click();
    const mark = `end-${++typed}-`;
    await page.keyboard.type(`clear; ${command}; echo ${mark}$?`);
    await page.keyboard.press('Enter');
    const rows = screen.locator('.xterm-rows');
    await page.waitForFunction(([m]) => [...document.querySelectorAll('.xterm-rows')].some((e) => new RegExp(`${m}\\d`).test(e.textContent)), [mark]);
    const text = await rows.evaluate((e) => [...e.children].map((row) => row.textContent).join('\n'));
    return { text, code: Number(new RegExp(`${mark}(\\d+)`).exec(text)[1]) };
  };
  const shell = async (n, from) => {
    await place(n, `Open a shell on ${from}`);
    await page.getByTestId('terminal-status').filter({ visible: true }).getByText('Connected').waitFor();
  };
  const get = `curl -sS -m 2 http://${finance}/`;

  step('1: three departments');
  await nav('Guided lab');
  await page.getByTestId('lab-setup').click();
  await card(1).waitFor({ timeout: 60_000 });
  await check(1, true);
  await accessible(page, 'the guide');
  await shot('before');
  await card(1).getByRole('button', { name: `Copy ${finance}` }).click();
  must((await page.evaluate('navigator.clipboard.readText()')) === finance, 'the address is copied');

  step('2: isolated');
  await shell(2, 'MarketingServer');
  const alone = await type(get);
  must(alone.code === 28, `curl runs into its time-out: ${alone.text}`);
  const pinged = await type(`ping -c 1 -W 1 ${finance}`);
  must(pinged.code === 1 && pinged.text.includes('100% packet loss') && !pinged.text.includes('nreachable'), `ping hears nothing, no refusal either: ${pinged.text}`);
  await accessible(page, 'a terminal');
  await check(2, true);
  await check(3, false);

  step('3: peered');
  await peer(3, 'Marketing');
  await check(3, true);

  step('4: a route there');
  await place(4, 'Marketing’s route table');
  await route('172.31.0.0/16', 'Marketing-Finance');
  await check(4, true);

  step('5: a route back');
  await place(5, 'Finance’s route table');
  await route('10.0.0.0/16', 'Marketing-Finance');
  await check(5, true);

  step('why: the map says what blocks, and why');
  await page.getByTestId('reach-port').waitFor();
  const verdict = page.getByTestId('reach-verdict');
  await verdict.getByText(/security group|sg-/i).first().waitFor();
  await verdict.scrollIntoViewIfNeeded();
  await accessible(page, 'a blocked path');
  await shot('blocked');

  step('6: the security group');
  await place(6, 'FinanceServer’s security group');
  await allow('10.0.0.0/16');
  await check(6, true);
  await shell(6, 'MarketingServer');
  const served = await type(get);
  must(served.code === 0 && served.text.includes('the books are balanced'), `the page is read: ${served.text}`);
  const heard = await type(`ping -c 1 -W 1 ${finance}`);
  must(heard.code === 0 && heard.text.includes(' 0% packet loss'), `ping is answered: ${heard.text}`);
  await type(`ping -c 1 -W 1 ${finance}; ${get}`);
  await shot('terminal');

  step('7: the network ACL');
  await place(7, 'Finance’s network ACL');
  await page.getByTestId('edit-inbound').click();
  await dialog().getByRole('button', { name: 'Add rule' }).click();
  const entry = await dialog().getByRole('textbox', { name: /^Rule number \d+$/ }).count();
  await dialog().getByRole('textbox', { name: `Rule number ${entry}` }).fill('50');
  await choose(dialog().getByRole('button', { name: new RegExp(`Protocol ${entry}\\b`) }), /^All/);
  await dialog().getByRole('textbox', { name: `Source ${entry}` }).fill('10.0.0.0/16');
  await choose(dialog().getByRole('button', { name: new RegExp(`Allow or deny ${entry}\\b`) }), /^Deny/i);
  await submit();
  await check(7, false, 'Now remove the entry');
  await place(7, 'Finance’s network ACL');
  await page.getByTestId('edit-inbound').click();
  await dialog().getByRole('button', { name: 'Remove 50' }).click();
  await submit();
  await check(7, true);

  step('8: Developer too');
  await peer(8, 'Developer');
  await place(8, 'Developer’s route table');
  await route('172.31.0.0/16', 'Developer-Finance');
  await place(8, 'Finance’s route table');
  await route('192.168.0.0/20', 'Developer-Finance');
  await place(8, 'FinanceServer’s security group');
  await allow('192.168.0.0/20');
  await check(8, true);
  await shot('after');

  step('9: not transitive');
  await place(9, 'Marketing’s route table');
  await route('192.168.0.0/20', 'Marketing-Finance');
  await place(9, 'Developer’s route table');
  await route('10.0.0.0/16', 'Developer-Finance');
  await check(9, true);

  step('10: a peering is deleted');
  await place(10, 'Peering connections');
  const list = page.getByTestId('list-peering-connections');
  await list.getByRole('row').filter({ hasText: 'Marketing-Finance' }).getByText('Marketing-Finance').first().click();
  await page.getByTestId('delete').click();
  await submit();
  await check(10, true);

  step('the AWS CLI agrees');
  const tables = aws('ec2', 'describe-route-tables', '--filters', 'Name=route.state,Values=blackhole').RouteTables;
  must(tables.length === 2, `two route tables have blackholes, not ${tables.length}`);
  const sessions = aws('ssm', 'describe-sessions', '--state', 'Active').Sessions;
  must(sessions.length >= 1, 'the terminals are sessions of Session Manager');

  step('the lab is taken away');
  await nav('Guided lab');
  await page.getByTestId('lab-reset').click();
  await page.getByTestId('lab-reset-confirm').click();
  await page.getByTestId('lab-setup').waitFor({ timeout: 60_000 });
  must(aws('ec2', 'describe-vpcs').Vpcs.length === 1, 'the default VPC alone is left');
  step('done');
});

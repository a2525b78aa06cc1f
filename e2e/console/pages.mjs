// Every page: it is there, accessible, quick to see what others change, and fits a
// narrow screen.
import { accessible, aws, must, step, visit } from './browser.mjs';

const pages = ['/', '/lab', '/vpcs', '/subnets', '/route-tables', '/peering-connections', '/internet-gateways', '/security-groups', '/network-acls',
  '/instances', '/network-interfaces', '/key-pairs', '/flow-logs', '/launch', '/terminals'];

const vpc = aws('ec2', 'create-vpc', '--cidr-block', '10.7.0.0/16', '--tag-specifications', 'ResourceType=vpc,Tags=[{Key=Name,Value=Seen}]').Vpc.VpcId;

await visit('pages', async ({ page, address, origin, context }) => {
  step('the first view');
  const begun = Date.now();
  await page.goto(address);
  await page.getByTestId('map').waitFor();
  console.log(`the map was there after ${Date.now() - begun} ms`);
  must(!page.url().includes('token='), 'the token leaves the address bar');
  const cookies = await context.cookies(`${origin}/console/`);
  must(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict' && cookies[0].path === '/console/', `one cookie, for the console alone: ${JSON.stringify(cookies)}`);
  must((await page.evaluate('document.cookie')) === '', 'scripts see no cookie');

  for (const path of pages) {
    step(`page ${path}`);
    await page.goto(`${origin}/console/#${path}`);
    await page.getByRole('main').first().waitFor();
    if (path !== '/' && path !== '/lab' && path !== '/terminals' && path !== '/launch') await page.getByTestId(`list-${path.slice(1)}`).waitFor();
    await accessible(page, path);
  }

  step('details, in the dark');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${origin}/console/#/vpcs/${vpc}`);
  await page.getByText(`Seen (${vpc})`).first().waitFor();
  await accessible(page, 'a VPC in the dark');

  step('a change by the AWS CLI appears within a second');
  await page.goto(`${origin}/console/#/vpcs`);
  await page.getByTestId('list-vpcs').getByText('10.7.0.0/16').waitFor();
  const made = aws('ec2', 'create-vpc', '--cidr-block', '10.8.0.0/16').Vpc.VpcId;
  await page.getByTestId('list-vpcs').getByText(made).waitFor({ timeout: 1_000 });

  step('a narrow screen');
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of ['/', '/vpcs', '/instances']) {
    await page.goto(`${origin}/console/#${path}`);
    await page.getByRole('main').first().waitFor();
    const [wide, room] = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    must(wide <= room, `${path} fits into 360 pixels, it takes ${wide}`);
  }
});

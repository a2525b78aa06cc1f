import { post, refused } from './bridge';
import { flatten, type Params } from './form';
import { Refusal } from './refusal';
import { Xml } from './xml';

/** Where a call goes: AWS's names for the account and the Region. */
export interface Scope {
  account: string;
  region: string;
}

/** One call of the EC2 API. */
export interface Ec2Call {
  action: string;
  params: Params;
}

const version = '2016-11-15';

export function query(scope: Scope): string {
  const q = new URLSearchParams({ region: scope.region });
  if (scope.account !== '') q.set('account', scope.account);
  return q.toString();
}

/** Makes one call; an error of AWS's is a Refusal with its code and its sentence. */
export async function ec2(scope: Scope, c: Ec2Call, signal?: AbortSignal): Promise<Xml> {
  const form = new URLSearchParams([['Action', c.action], ['Version', version], ...flatten(c.params)]);
  const answer = await post({
    path: `api/ec2?${query(scope)}`,
    body: form.toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    signal,
  });
  const text = await answer.text();
  if (answer.ok) return Xml.parse(text);
  throw awsRefusal(text, answer.status);
}

/** AWS's error in XML, or the bridge's own in JSON. */
export function awsRefusal(text: string, status: number): Refusal {
  if (!text.trimStart().startsWith('<')) return refused(text, status);
  const error = Xml.parse(text).find('Error');
  return new Refusal(error?.text('Code') ?? 'Error', error?.text('Message') ?? `HTTP ${status}`, status);
}

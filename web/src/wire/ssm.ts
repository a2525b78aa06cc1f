import { post, refused } from './bridge';
import { query, type Scope } from './ec2';

/** Makes one call of Systems Manager's API. */
export async function ssm<T>(scope: Scope, operation: string, body: unknown): Promise<T> {
  const answer = await post({
    path: `api/ssm?${query(scope)}`,
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `AmazonSSM.${operation}` },
  });
  const text = await answer.text();
  if (!answer.ok) throw refused(text, answer.status);
  return JSON.parse(text) as T;
}

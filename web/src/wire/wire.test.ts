// @vitest-environment jsdom
import { expect, test } from 'vitest';
import { awsRefusal } from './ec2';
import { Feed } from './events';
import { flatten } from './form';
import { Xml } from './xml';

test('parameters are flattened as the query protocol wants them', () => {
  expect(flatten({ VpcId: 'vpc-1', Skip: undefined, Filter: [{ Name: 'vpc-id', Value: ['a', 'b'] }], Egress: false, SourceDestCheck: { Value: true } })).toEqual([
    ['VpcId', 'vpc-1'],
    ['Filter.1.Name', 'vpc-id'],
    ['Filter.1.Value.1', 'a'],
    ['Filter.1.Value.2', 'b'],
    ['Egress', 'false'],
    ['SourceDestCheck.Value', 'true'],
  ]);
});

const answer = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><vpcSet>
<item><vpcId>vpc-1</vpcId><isDefault>false</isDefault><tagSet><item><key>Name</key><value>A &amp; B</value></item></tagSet></item>
<item><vpcId>vpc-2</vpcId><isDefault>true</isDefault></item></vpcSet></DescribeVpcsResponse>`;

test('an answer is read by paths, and what is missing has no value', () => {
  const vpcs = Xml.parse(answer).list('vpcSet');
  expect(vpcs.map((v) => v.text('vpcId'))).toEqual(['vpc-1', 'vpc-2']);
  expect(vpcs.map((v) => v.flag('isDefault'))).toEqual([false, true]);
  expect(vpcs[0]!.list('tagSet')[0]!.text('value')).toBe('A & B');
  expect(vpcs[1]!.list('tagSet')).toEqual([]);
  expect(vpcs[1]!.maybe('port')).toBeUndefined();
  expect(() => Xml.parse('<a><b></a>')).toThrow();
});

test("errors keep AWS's code and sentence", () => {
  const e = awsRefusal(`<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>The vpc ID 'vpc-9' does not exist</Message></Error></Errors></Response>`, 400);
  expect([e.code, e.message]).toEqual(['InvalidVpcID.NotFound', "The vpc ID 'vpc-9' does not exist"]);
  expect(awsRefusal('{"code":"Forbidden","message":"no"}', 403).code).toBe('Forbidden');
});

test('a stream of events is read in whatever pieces it comes', () => {
  const text = 'event: state\ndata: {"generation":1}\n\n: keep alive\n\nevent: flows\r\ndata: a\r\ndata: b\r\n\r\n';
  for (const size of [1, 2, 7, text.length]) {
    const feed = new Feed();
    const got = [];
    for (let i = 0; i < text.length; i += size) got.push(...feed.push(text.slice(i, i + size)));
    expect(got).toEqual([
      { name: 'state', data: '{"generation":1}' },
      { name: 'flows', data: 'a\nb' },
    ]);
  }
});

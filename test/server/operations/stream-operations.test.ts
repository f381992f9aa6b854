import { join } from 'node:path';
import {
	CreateStreamCommand,
	DeleteStreamCommand,
	DescribeStreamCommand,
	ListTagsForStreamCommand,
	paginateListStreams,
	ResourceInUseException,
	ResourceNotFoundException,
	UpdateStreamCommand,
	VersionMismatchException,
} from '@aws-sdk/client-kinesis-video';
import test from 'ava';
import type { Json } from '../../helpers/service/start-server.js';
import { temporaryDirectory } from '../../helpers/tools.js';
import { ARN, CREATION_MS, start } from './control-client.js';

const VERSION = /^[A-Za-z0-9]{20}$/;

test('a stream is made, described, changed and deleted', async (t) => {
	const { client, describe, versionOf } = await start(t);
	const unknown = new DescribeStreamCommand({ StreamName: 'door' });
	await t.throwsAsync(client.send(unknown), { instanceOf: ResourceNotFoundException });
	const { StreamARN } = await client.send(
		new CreateStreamCommand({
			StreamName: 'door',
			DeviceName: 'camera',
			MediaType: 'video/h264,audio/aac',
			KmsKeyId: 'alias/mine',
			DataRetentionInHours: 2,
		}),
	);
	t.is(StreamARN, ARN);
	const made = await describe();
	t.deepEqual(made, {
		CreationTime: new Date(CREATION_MS),
		DataRetentionInHours: 2,
		DeviceName: 'camera',
		KmsKeyId: 'alias/mine',
		MediaType: 'video/h264,audio/aac',
		Status: 'ACTIVE',
		StreamARN: ARN,
		StreamName: 'door',
		Version: made?.Version as string,
	});
	t.regex(made?.Version ?? '', VERSION);
	const again = await t.throwsAsync(client.send(new CreateStreamCommand({ StreamName: 'door' })));
	t.true(again instanceof ResourceInUseException);
	t.is((again as ResourceInUseException).$metadata.httpStatusCode, 400);

	const change = { StreamName: 'door', CurrentVersion: await versionOf(), DeviceName: 'bell' };
	await client.send(new UpdateStreamCommand(change));
	const changed = await describe();
	t.like(changed, { DeviceName: 'bell', MediaType: 'video/h264,audio/aac' });
	t.regex(changed?.Version ?? '', VERSION);
	t.not(changed?.Version, made?.Version);
	const mismatch = await t.throwsAsync(client.send(new UpdateStreamCommand(change)));
	t.true(mismatch instanceof VersionMismatchException);
	t.is((mismatch as VersionMismatchException).$metadata.httpStatusCode, 400);

	const wrong = new DeleteStreamCommand({ StreamARN, CurrentVersion: made?.Version });
	await t.throwsAsync(client.send(wrong), { instanceOf: VersionMismatchException });
	await client.send(new DeleteStreamCommand({ StreamARN, CurrentVersion: changed?.Version }));
	await t.throwsAsync(client.send(unknown), { instanceOf: ResourceNotFoundException });
	await client.send(new CreateStreamCommand({ StreamName: 'door' }));
	const plain = await describe();
	t.is(plain?.DataRetentionInHours, 0);
	t.is(plain?.DeviceName, undefined);
	t.is(plain?.MediaType, undefined);
	t.is(plain?.KmsKeyId, 'alias/aws/kinesisvideo');
	await client.send(new DeleteStreamCommand({ StreamARN }));
	await t.throwsAsync(client.send(unknown), { instanceOf: ResourceNotFoundException });
});

test('the response of DescribeStream has the members that the service sends', async (t) => {
	const { call } = await start(t);
	await call('CreateStream', { StreamName: 'door' });
	const { json } = await call('DescribeStream', { StreamARN: ARN });
	t.deepEqual(json, {
		StreamInfo: {
			CreationTime: CREATION_MS / 1000,
			DataRetentionInHours: 0,
			DeviceName: null,
			IngestionConfiguration: null,
			KmsKeyId: 'alias/aws/kinesisvideo',
			MediaType: null,
			Status: 'ACTIVE',
			StreamARN: ARN,
			StreamName: 'door',
			Version: json.StreamInfo.Version,
		},
	});
	t.deepEqual((await call('TagStream', { StreamName: 'door', Tags: { a: 'b' } })).json, {});
	t.deepEqual((await call('DeleteStream', { StreamARN: ARN })).json, {});
});

test('of concurrent creations or changes of a stream only one succeeds', async (t) => {
	const { call } = await start(t);
	const creations = await Promise.all([1, 2, 3].map(() => call('CreateStream', { StreamName: 'door' })));
	t.is(creations.filter(({ status }) => status === 200).length, 1);
	const { json } = await call('DescribeStream', { StreamName: 'door' });
	const change = { StreamName: 'door', CurrentVersion: json.StreamInfo.Version };
	const changes = await Promise.all(
		['a', 'b', 'c'].map((DeviceName) => call('UpdateStream', { ...change, DeviceName })),
	);
	t.is(changes.filter(({ status }) => status === 200).length, 1);
	const refused = changes.filter(({ status }) => status === 400);
	t.true(refused.every((response) => response.json.__type === 'VersionMismatchException'));
	const ends = await Promise.all([
		call('DeleteStream', { StreamARN: ARN }),
		call('TagStream', { StreamName: 'door', Tags: { a: 'b' } }),
		call('DeleteStream', { StreamARN: ARN }),
	]);
	t.true(ends.every(({ status }) => status === 200 || status === 404));
	t.is((await call('DescribeStream', { StreamName: 'door' })).status, 404);
});

test('streams keep their settings and tags over a restart', async (t) => {
	const dataDirectory = join(await temporaryDirectory(t), 'data');
	const first = await start(t, { dataDirectory });
	const { client } = first;
	for (const StreamName of ['door', 'gate'])
		await client.send(new CreateStreamCommand({ StreamName, Tags: { a: 'b' } }));
	await client.send(
		new UpdateStreamCommand({
			StreamName: 'door',
			CurrentVersion: await first.versionOf(),
			DeviceName: 'bell',
		}),
	);
	await client.send(new DeleteStreamCommand({ StreamARN: ARN.replace('door', 'gate') }));
	const info = await first.describe();
	await first.close();
	const second = await start(t, { dataDirectory });
	t.deepEqual(await second.describe(), info);
	const { Tags } = await second.client.send(new ListTagsForStreamCommand({ StreamName: 'door' }));
	t.deepEqual(Tags, { a: 'b' });
	await t.throwsAsync(second.describe('gate'), { instanceOf: ResourceNotFoundException });
});

test('streams are listed by name, in pages, those that begin with a text or all', async (t) => {
	const { client, call } = await start(t);
	const all = ['a', 'ab', 'abc', 'b', 'ba'];
	for (const StreamName of all.toReversed()) await client.send(new CreateStreamCommand({ StreamName }));
	for (const [prefix, expected] of [
		[undefined, all],
		['ab', ['ab', 'abc']],
		['c', []],
	] as const) {
		for (const pageSize of [1, 2, 100]) {
			const condition = { ComparisonOperator: 'BEGINS_WITH' as const, ComparisonValue: prefix };
			const input = prefix === undefined ? {} : { StreamNameCondition: condition };
			const pages: string[][] = [];
			for await (const { StreamInfoList } of paginateListStreams({ client, pageSize }, input)) {
				pages.push((StreamInfoList ?? []).map(({ StreamName }) => StreamName ?? ''));
			}
			t.deepEqual(pages.flat(), [...expected]);
			t.true(pages.every((page) => page.length <= pageSize));
		}
	}
	const names = (json: Json): string[] => json.StreamInfoList.map((info: Json) => info.StreamName);
	t.deepEqual(names((await call('ListStreams', { NextToken: '', StreamNameCondition: {} })).json), all);
	t.deepEqual(names((await call('ListStreams', { StreamNameCondition: { ComparisonValue: 'b' } })).json), [
		'b',
		'ba',
	]);
	// A page goes on after the name that was last, whatever came or went meanwhile.
	const first = await call('ListStreams', { MaxResults: 2 });
	await call('DeleteStream', { StreamARN: ARN.replace('door', 'ab') });
	await call('CreateStream', { StreamName: 'aa' });
	const second = await call('ListStreams', { MaxResults: 2, NextToken: first.json.NextToken });
	t.deepEqual(names(second.json), ['abc', 'b']);
});

const invalid = 'InvalidArgumentException';
const notFound = 'ResourceNotFoundException';
const key = (length: number) => ({ ['k'.repeat(length)]: 'v' });
const version = { StreamName: 'door', CurrentVersion: 'x' };
const retention = { ...version, Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 1 };

/** Operation, request, status and name of the error. */
const refused: readonly [string, object, number, string, RegExp?][] = [
	['CreateStream', {}, 400, invalid, /StreamName to be a string, got nothing/],
	['CreateStream', { StreamName: '' }, 400, invalid],
	['CreateStream', { StreamName: 'a b' }, 400, invalid],
	['CreateStream', { StreamName: 'a'.repeat(257) }, 400, invalid],
	['CreateStream', { StreamName: '..' }, 400, invalid],
	['CreateStream', { StreamName: 'x', DeviceName: 'a/b' }, 400, invalid, /DeviceName/],
	['CreateStream', { StreamName: 'x', DeviceName: 'a'.repeat(129) }, 400, invalid],
	['CreateStream', { StreamName: 'x', MediaType: 'video' }, 400, invalid, /MediaType/],
	['CreateStream', { StreamName: 'x', MediaType: 'video/h264,' }, 400, invalid],
	['CreateStream', { StreamName: 'x', MediaType: `video/${'x'.repeat(123)}` }, 400, invalid],
	['CreateStream', { StreamName: 'x', KmsKeyId: 'k'.repeat(2049) }, 400, invalid, /KmsKeyId/],
	['CreateStream', { StreamName: 'x', DataRetentionInHours: -1 }, 400, invalid, /DataRetentionInHours/],
	['CreateStream', { StreamName: 'x', DataRetentionInHours: 87_601 }, 400, invalid],
	['CreateStream', { StreamName: 'x', DataRetentionInHours: 1.5 }, 400, invalid],
	['CreateStream', { StreamName: 'x', StreamStorageConfiguration: {} }, 400, invalid, /DefaultStorageTier/],
	[
		'CreateStream',
		{ StreamName: 'x', StreamStorageConfiguration: { DefaultStorageTier: 'COLD' } },
		400,
		invalid,
	],
	['CreateStream', { StreamName: 'x', Tags: {} }, 400, invalid, /Tags to be a map of 1 to 50/],
	['CreateStream', { StreamName: 'x', Tags: [] }, 400, invalid],
	['CreateStream', { StreamName: 'x', Tags: key(129) }, 400, invalid, /a key of Tags/],
	['CreateStream', { StreamName: 'x', Tags: { '': 'v' } }, 400, invalid],
	['CreateStream', { StreamName: 'x', Tags: { 'a;b': 'v' } }, 400, invalid],
	['CreateStream', { StreamName: 'x', Tags: { k: 'v'.repeat(257) } }, 400, invalid, /Tags\.k/],
	['CreateStream', { StreamName: 'x', Tags: { k: 7 } }, 400, invalid],
	['CreateStream', { StreamName: 'door' }, 400, 'ResourceInUseException', /door/],
	['DeleteStream', {}, 400, invalid, /StreamName or StreamARN/],
	['DeleteStream', { StreamName: 'door' }, 400, invalid, /StreamARN/],
	['DeleteStream', { StreamARN: 'door' }, 400, invalid],
	['DeleteStream', { StreamARN: ARN.replace('door', 'none') }, 404, notFound],
	['DeleteStream', { StreamARN: ARN.replace(/\d$/, '9') }, 404, notFound],
	['DeleteStream', { StreamARN: ARN, CurrentVersion: 'a-b' }, 400, invalid, /CurrentVersion/],
	[
		'DeleteStream',
		{ StreamARN: ARN, CurrentVersion: 'x' },
		400,
		'VersionMismatchException',
		/not the latest version/,
	],
	['UpdateStream', { StreamName: 'door' }, 400, invalid, /CurrentVersion to be a string, got nothing/],
	['UpdateStream', { CurrentVersion: 'x' }, 400, invalid, /StreamName or StreamARN/],
	['UpdateStream', { ...version, CurrentVersion: 'x'.repeat(65) }, 400, invalid],
	['UpdateStream', { ...version, MediaType: '/' }, 400, invalid],
	['UpdateStream', { ...version, StreamName: 'none' }, 404, notFound],
	['UpdateStream', version, 400, 'VersionMismatchException'],
	['UpdateDataRetention', { ...retention, Operation: 'INCREASE' }, 400, invalid, /Operation/],
	['UpdateDataRetention', { ...retention, Operation: undefined }, 400, invalid],
	['UpdateDataRetention', { ...retention, DataRetentionChangeInHours: 0 }, 400, invalid],
	[
		'UpdateDataRetention',
		{ ...retention, DataRetentionChangeInHours: undefined },
		400,
		invalid,
		/got nothing/,
	],
	['UpdateDataRetention', { ...retention, StreamName: 'none' }, 404, notFound],
	['UpdateDataRetention', retention, 400, 'VersionMismatchException'],
	['UpdateStreamStorageConfiguration', version, 400, invalid, /StreamStorageConfiguration/],
	['DescribeStreamStorageConfiguration', {}, 400, invalid],
	['DescribeStreamStorageConfiguration', { StreamName: 'none' }, 404, notFound],
	['TagStream', { StreamName: 'door' }, 400, invalid, /Tags/],
	['TagStream', { StreamName: 'none', Tags: key(1) }, 404, notFound],
	[
		'TagStream',
		{ StreamARN: 'door', Tags: key(1) },
		400,
		'InvalidResourceFormatException',
		/StreamARN is invalid/,
	],
	['TagStream', { Tags: key(1) }, 400, invalid],
	['UntagStream', { StreamName: 'door' }, 400, invalid, /TagKeyList to be a list of 1 to 50/],
	['UntagStream', { StreamName: 'door', TagKeyList: [] }, 400, invalid],
	['UntagStream', { StreamName: 'door', TagKeyList: [''] }, 400, invalid, /TagKeyList\[0\]/],
	['UntagStream', { StreamName: 'door', TagKeyList: [7] }, 400, invalid],
	['UntagStream', { StreamARN: 'arn:x', TagKeyList: ['k'] }, 400, 'InvalidResourceFormatException'],
	['ListTagsForStream', {}, 400, invalid],
	['ListTagsForStream', { StreamARN: 'arn:x' }, 400, 'InvalidResourceFormatException'],
	['ListTagsForStream', { StreamName: 'door', NextToken: 'YWJj' }, 400, invalid, /NextToken/],
	['ListTagsForStream', { StreamName: 'none' }, 404, notFound],
];

test('refuses invalid requests that the SDKs do not check, as the service does', async (t) => {
	const { call } = await start(t);
	await call('CreateStream', { StreamName: 'door' });
	const before = await call('DescribeStream', { StreamName: 'door' });
	for (const [operation, body, status, name, message = /./] of refused) {
		const label = `${operation} ${JSON.stringify(body).slice(0, 120)}`;
		const response = await call(operation, body);
		t.is(response.status, status, label);
		t.is(response.json.__type, name, label);
		t.regex(response.json.Message, message, label);
	}
	t.deepEqual((await call('DescribeStream', { StreamName: 'door' })).json, before.json);
	t.is((await call('ListStreams', {})).json.StreamInfoList.length, 1);
});

import {
	CreateStreamCommand,
	DescribeStreamStorageConfigurationCommand,
	ListTagsForStreamCommand,
	TagStreamCommand,
	TagsPerResourceExceededLimitException,
	UntagStreamCommand,
	UpdateDataRetentionCommand,
	UpdateStreamStorageConfigurationCommand,
	VersionMismatchException,
} from '@aws-sdk/client-kinesis-video';
import test from 'ava';
import { ARN, start } from './control-client.js';

test('the retention is lengthened and shortened, from nothing to ten years', async (t) => {
	const { client, describe, versionOf } = await start(t);
	await client.send(new CreateStreamCommand({ StreamName: 'door' }));
	const change = async (
		Operation: 'INCREASE_DATA_RETENTION' | 'DECREASE_DATA_RETENTION',
		DataRetentionChangeInHours: number,
	) => {
		const CurrentVersion = await versionOf();
		const input = { StreamName: 'door', CurrentVersion, Operation, DataRetentionChangeInHours };
		await client.send(new UpdateDataRetentionCommand(input));
		const info = await describe();
		t.not(info?.Version, CurrentVersion);
		return info?.DataRetentionInHours;
	};
	const name = 'InvalidArgumentException';
	t.is(await change('INCREASE_DATA_RETENTION', 24), 24);
	t.is(await change('DECREASE_DATA_RETENTION', 23), 1);
	await t.throwsAsync(change('DECREASE_DATA_RETENTION', 2), {
		name,
		message: /from 0 to 87600 hours, got 1 changed by -2/,
	});
	t.is(await change('INCREASE_DATA_RETENTION', 87_599), 87_600);
	await t.throwsAsync(change('INCREASE_DATA_RETENTION', 1), { name });
	t.is(await change('DECREASE_DATA_RETENTION', 87_600), 0);
	t.is((await describe())?.DataRetentionInHours, 0);
});

test('tags are added, replaced, listed and removed, fifty at most', async (t) => {
	const { client, versionOf } = await start(t);
	const StreamName = 'door';
	await client.send(new CreateStreamCommand({ StreamName, Tags: { site: '1', empty: '' } }));
	const version = await versionOf();
	const tags = async () => {
		const { Tags, NextToken } = await client.send(new ListTagsForStreamCommand({ StreamARN: ARN }));
		t.is(NextToken, undefined);
		return Tags;
	};
	t.deepEqual(await tags(), { site: '1', empty: '' });
	await client.send(new TagStreamCommand({ StreamARN: ARN, Tags: { site: '2', Straße: 'ä' } }));
	t.deepEqual(await tags(), { site: '2', empty: '', Straße: 'ä' });
	await client.send(new UntagStreamCommand({ StreamName, TagKeyList: ['empty', 'none', 'Straße'] }));
	t.deepEqual(await tags(), { site: '2' });
	const many = (count: number) =>
		Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, 'x']));
	await client.send(new TagStreamCommand({ StreamName, Tags: many(49) }));
	await t.throwsAsync(client.send(new TagStreamCommand({ StreamName, Tags: many(50) })), {
		instanceOf: TagsPerResourceExceededLimitException,
	});
	t.is(Object.keys((await tags()) ?? {}).length, 50);
	t.is(await versionOf(), version);
});

test('the storage tier is described and changed', async (t) => {
	const { client, versionOf } = await start(t);
	const StreamName = 'door';
	await client.send(
		new CreateStreamCommand({ StreamName, StreamStorageConfiguration: { DefaultStorageTier: 'WARM' } }),
	);
	const tier = async () => client.send(new DescribeStreamStorageConfigurationCommand({ StreamName }));
	t.like(await tier(), {
		StreamName,
		StreamARN: ARN,
		StreamStorageConfiguration: { DefaultStorageTier: 'WARM' },
	});
	const CurrentVersion = await versionOf();
	const change = new UpdateStreamStorageConfigurationCommand({
		StreamName,
		CurrentVersion,
		StreamStorageConfiguration: { DefaultStorageTier: 'HOT' },
	});
	await client.send(change);
	t.like(await tier(), { StreamStorageConfiguration: { DefaultStorageTier: 'HOT' } });
	await t.throwsAsync(client.send(change), { instanceOf: VersionMismatchException });
	await client.send(new CreateStreamCommand({ StreamName: 'gate' }));
	const other = await client.send(new DescribeStreamStorageConfigurationCommand({ StreamName: 'gate' }));
	t.like(other, { StreamStorageConfiguration: { DefaultStorageTier: 'HOT' } });
});

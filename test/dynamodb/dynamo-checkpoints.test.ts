import { once } from 'node:events';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import test, { type ExecutionContext } from 'ava';
import type { Checkpoint, Clock } from 'kvs-archive';
import { DynamoCheckpoints } from 'kvs-archive/dynamodb';
import { ManualClock } from '../helpers/manual-clock.js';
import { startMs } from '../helpers/media/range.js';
import { runWithoutPackages } from '../helpers/package/without-packages.js';
import { startDynamo, type TestDynamo } from '../helpers/store/dynamo.js';
import { checkpointAt, KEY, startHolder, takeOver } from '../helpers/store/leases.js';
import { until, within } from '../helpers/wait.js';

const table = 'checkpoints';

function storesOf(t: ExecutionContext, { client }: TestDynamo) {
	return (options: { leaseMs?: number; clock?: Clock } = {}): DynamoCheckpoints => {
		const store = new DynamoCheckpoints({ table, client, ...options });
		t.teardown(() => store.close().catch(() => {}));
		return store;
	};
}

/** The item of the checkpoint, without its key. */
async function itemOf({ client }: TestDynamo) {
	const command = new GetItemCommand({ TableName: table, Key: { key: { S: KEY } }, ConsistentRead: true });
	const { key: _, ...item } = (await client.send(command)).Item ?? {};
	return item;
}

async function putItem(
	{ client }: TestDynamo,
	item: NonNullable<PutItemCommand['input']['Item']>,
): Promise<void> {
	await client.send(new PutItemCommand({ TableName: table, Item: { key: { S: KEY }, ...item } }));
}

test.serial('the next consumer finds the saved checkpoint, and the place is free', async (t) => {
	const dynamo = await startDynamo(t);
	const newStore = storesOf(t, dynamo);
	const store = newStore();
	t.is(await store.load(KEY), null);
	for (const fromMs of [1, 2, 3]) await store.save(KEY, checkpointAt(fromMs));
	await store.close();
	t.deepEqual(await newStore().load(KEY), checkpointAt(3));
	t.deepEqual(Object.keys(await itemOf(dynamo)).toSorted(), ['checkpoint', 'holder', 'until']);
});

test.serial(
	'one of twenty simultaneous consumers takes the place, and the errors of the others name its holder',
	async (t) => {
		const newStore = storesOf(t, await startDynamo(t));
		const results = await Promise.allSettled(Array.from({ length: 20 }, () => newStore().load(KEY)));
		const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
		t.is(refusals.length, 19);
		for (const { code, message } of refusals) {
			t.is(code, 'KVS_CHECKPOINT_IN_USE');
			t.regex(
				message,
				new RegExp(`is in use by process ${process.pid} on \\S+, since 20\\S+Z: one consumer`),
			);
		}
	},
);

test.serial(
	'an expired lease is taken over, and its first holder neither continues nor overwrites the second',
	async (t) => {
		const newStore = storesOf(t, await startDynamo(t));
		const [clock, later] = [new ManualClock(), new ManualClock()];
		const first = newStore({ clock });
		await first.load(KEY);
		await first.save(KEY, checkpointAt(1));
		later.advance(29_999);
		await t.throwsAsync(newStore({ clock: later }).load(KEY), {
			code: 'KVS_CHECKPOINT_IN_USE',
			message: /its lease ends in 1 ms unless it is renewed/,
		});
		later.advance(1);
		const second = newStore({ clock: later });
		t.is(await second.load(KEY), null);
		clock.advance(1000);
		await until(
			() => first.lost.aborted,
			() => 'the first goes on',
		);
		await t.throwsAsync(first.save(KEY, checkpointAt(3)), {
			code: 'KVS_CHECKPOINT_IN_USE',
			message: /now in use by process \d+ on .*: this consumer had not renewed its lease of 30000 ms/,
		});
		await first.close();
		await second.save(KEY, checkpointAt(2));
		await second.close();
		// Given up, and noted as the last that had it: the first must not take it for a table that lost everything.
		t.deepEqual(await newStore({ clock: later }).load(KEY), checkpointAt(2));
	},
);

test.serial('a lease is renewed while no fragment arrives, and a lost item is written again', async (t) => {
	const dynamo = await startDynamo(t);
	const newStore = storesOf(t, dynamo);
	await putItem(dynamo, { checkpoint: { S: JSON.stringify(checkpointAt(1)) } });
	const clock = new ManualClock();
	const store = newStore({ clock });
	t.deepEqual(await store.load(KEY), checkpointAt(1));
	const untilMs = async () => Number((await itemOf(dynamo))['until']?.N) - startMs;
	t.is(await untilMs(), 30_000);
	clock.advance(10_000);
	await until(
		async () => (await untilMs()) === 40_000,
		() => 'it is not renewed',
	);
	await until(
		() => clock.isSleptOn(1000),
		() => 'it does not go on',
	);
	await putItem(dynamo, {});
	clock.advance(10_000);
	await until(
		async () => (await itemOf(dynamo))['checkpoint']?.S === JSON.stringify(checkpointAt(1)),
		() => 'it is not written again',
	);
	await store.close();
	t.is(await untilMs(), 20_000);
});

test.serial(
	'the place of a consumer that was killed is taken when its lease is over, with what it had saved',
	async (t) => {
		const dynamo = await startDynamo(t);
		const newStore = storesOf(t, dynamo);
		const holder = startHolder(t, table, 3000, dynamo.environment);
		t.deepEqual(await once(holder, 'message'), ['held', undefined]);
		await t.throwsAsync(newStore().load(KEY), {
			code: 'KVS_CHECKPOINT_IN_USE',
			message: new RegExp(`in use by process ${holder.pid} on`),
		});
		await until(
			async () => (await itemOf(dynamo))['checkpoint'] !== undefined,
			() => 'nothing is saved',
		);
		holder.kill('SIGKILL');
		await once(holder, 'exit');
		t.deepEqual(await takeOver(newStore()), checkpointAt(7));
	},
);

test.serial(
	'a consumer that was suspended for longer than its lease notices that another has its place',
	async (t) => {
		const dynamo = await startDynamo(t);
		const holder = startHolder(t, table, 1000, dynamo.environment);
		await once(holder, 'message');
		holder.kill('SIGSTOP');
		const store = storesOf(t, dynamo)();
		await takeOver(store);
		const ended = once(holder, 'message');
		holder.kill('SIGCONT');
		t.deepEqual(await within(ended, () => 'it goes on'), ['KVS_CHECKPOINT_IN_USE', undefined]);
		await within(once(holder, 'exit'), () => 'it does not end');
		t.false(store.lost.aborted);
	},
);

test.serial(
	'requests to a throttling table are retried until the lease expires, and then the reason is reported',
	async (t) => {
		const throttle = { isOn: false };
		const dynamo = await startDynamo(t, { throttle });
		const clock = new ManualClock();
		const store = storesOf(t, dynamo)({ clock });
		await store.load(KEY);
		throttle.isOn = true;
		for (const fromMs of [1, 2]) {
			await store.save(KEY, checkpointAt(fromMs));
			clock.advance(1000);
			await until(
				() => clock.isSleptOn(1000),
				() => 'it is not tried again',
			);
		}
		throttle.isOn = false;
		clock.advance(1000);
		await until(
			async () => (await itemOf(dynamo))['checkpoint']?.S === JSON.stringify(checkpointAt(2)),
			() => 'it is not saved',
		);
		throttle.isOn = true;
		clock.advance(30_000);
		await t.throwsAsync(store.save(KEY, checkpointAt(3)), {
			code: 'KVS_CHECKPOINT_FAILED',
			message:
				/^cannot save the checkpoint `cam\/default in the table checkpoints of DynamoDB`: .*lease lasts, 30000 ms/,
		});
		t.is(((store.lost.reason as Error).cause as Error).name, 'ProvisionedThroughputExceededException');
		await store.close();
	},
);

test.serial(
	'refuses an invalid checkpoint, or that of another consumer, and leaves it unchanged',
	async (t) => {
		const dynamo = await startDynamo(t);
		const newStore = storesOf(t, dynamo);
		const right = JSON.stringify(checkpointAt(1));
		for (const [checkpoint, message] of [
			[{ S: right.slice(0, -3) }, /is damaged/],
			[{ N: '7' }, /is damaged/],
			[{ S: right.replace('"version":1', '"version":2') }, /written by a later version/],
			[{ S: right.replace('cam/', 'door/') }, /belongs to `door\/default`, and not to `cam\/default`/],
		] as const) {
			await putItem(dynamo, { checkpoint });
			await t.throwsAsync(newStore().load(KEY), { code: 'KVS_CHECKPOINT_INVALID', message });
			t.deepEqual((await itemOf(dynamo))['checkpoint'], checkpoint);
		}
		await putItem(dynamo, { checkpoint: { S: right }, holder: { S: 'nonsense' }, until: { S: 'nonsense' } });
		t.deepEqual(await newStore().load(KEY), checkpointAt(1));
	},
);

test.serial('reports a missing table, or one with other keys, and how to create it', async (t) => {
	const { client } = await startDynamo(t, { sortKey: 'sort' });
	const message = /create-table --table-name \S+ --attribute-definitions AttributeName=key,AttributeType=S/;
	for (const name of ['no-such-table', table]) {
		await t.throwsAsync(new DynamoCheckpoints({ table: name, client }).load(KEY), {
			code: 'KVS_CHECKPOINT_FAILED',
			message,
		});
	}
});

test.serial('more fragments than an item can hold end the consumer at once', async (t) => {
	const clock = new ManualClock();
	const store = storesOf(t, await startDynamo(t))({ clock });
	await store.load(KEY);
	const numbers = Array.from(
		{ length: 7000 },
		(_, index) => `9134385233318143239268206260774392${1e13 + index}`,
	);
	const done = Object.fromEntries(numbers.map((number) => [number, startMs]));
	const tooLarge: Checkpoint = { version: 1, key: KEY, fromMs: startMs, done };
	await store.save(KEY, tooLarge);
	clock.advance(1000);
	await until(
		() => store.lost.aborted,
		() => 'it goes on',
	);
	await t.throwsAsync(store.save(KEY, tooLarge), {
		code: 'KVS_CHECKPOINT_FAILED',
		message: /too many for one item of 400 KB/,
	});
});

test.serial('refuses invalid options', async (t) => {
	const { client } = await startDynamo(t);
	for (const options of [
		{ table: 'x' },
		{ table: 'a/b/c' },
		{ table, client, region: 'eu-west-1' },
		{ table, leaseMs: 0 },
	]) {
		t.throws(() => new DynamoCheckpoints(options), { code: 'KVS_INVALID_OPTION' });
	}
});

test.serial('without the package one line says what to install', async (t) => {
	t.deepEqual(
		await runWithoutPackages(
			t,
			`
		import { DynamoCheckpoints } from './dist/dynamodb/index.js';
		await new DynamoCheckpoints({ table: 'any' }).load('${KEY}').catch(({ code, message }) => console.log(code, message));`,
		),
		{
			code: 0,
			stdout:
				'KVS_PEER_MISSING this needs the package `@aws-sdk/client-dynamodb`, which is not installed: npm install @aws-sdk/client-dynamodb\n',
			stderr: '',
		},
	);
});

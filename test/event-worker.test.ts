/* The worker of the examples over a real queue: killed at its worst moments, every event has its output once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import {
	ChangeMessageVisibilityCommand,
	CreateQueueCommand,
	GetQueueAttributesCommand,
	SendMessageCommand,
	SQSClient,
} from '@aws-sdk/client-sqs';
import type { ExecutionContext } from 'ava';
import { buildApp } from 'fauxqs';
import type { Fragment } from 'kvs-archive';
import { notificationOf } from '../examples/local-queue.js';
import { collect } from './helpers/collect.js';
import { withFfmpeg } from './helpers/needs.js';
import { startArchive } from './helpers/service/archive.js';
import { listen } from './helpers/service/listen.js';
import { openArchive } from './helpers/service/open-archive.js';
import { temporaryDirectory } from './helpers/tools.js';
import { until, within } from './helpers/wait.js';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const visibilitySeconds = 600;

/** A queue whose deletions can be held back. */
async function startQueue(t: ExecutionContext) {
	const app = buildApp({ logger: false, host: 'localhost' });
	const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
	t.teardown(() => app.close());
	const state = { holdsDeletions: false };
	const received: string[] = [];
	let heldBack = 0;
	const door = createServer((incoming, outgoing) => {
		const pass = async (): Promise<void> => {
			const body = await text(incoming);
			const { 'x-amz-target': target = '', 'content-type': type = '' } = incoming.headers;
			if (state.holdsDeletions && String(target).endsWith('.DeleteMessage')) {
				heldBack++;
				return;
			}
			const response = await fetch(endpoint, {
				method: 'POST',
				headers: { 'x-amz-target': String(target), 'content-type': type },
				body,
			});
			const responseText = await response.text();
			const { Messages = [] } = JSON.parse(responseText || '{}') as {
				Messages?: { ReceiptHandle: string }[];
			};
			received.push(...Messages.map(({ ReceiptHandle }) => ReceiptHandle));
			outgoing.writeHead(response.status, { 'content-type': type }).end(responseText);
		};
		pass().catch(() => outgoing.destroy());
	});
	const client = new SQSClient({ endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false });
	t.teardown(() => client.destroy());
	const Attributes = { VisibilityTimeout: String(visibilitySeconds) };
	const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'events', Attributes }));
	return {
		url: QueueUrl,
		endpoint: await listen(t, door),
		/** Deletions do not get through from now on, and are not responded to. */
		holdDeletions: (holds: boolean) => {
			state.holdsDeletions = holds;
		},
		heldBack: () => heldBack,
		received: () => received.length,
		send: (body: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody: body })),
		/** What was received last is to be had again, as it is when its visibility timeout is over. */
		giveAgain: () =>
			client.send(
				new ChangeMessageVisibilityCommand({
					QueueUrl,
					ReceiptHandle: received.at(-1),
					VisibilityTimeout: 0,
				}),
			),
		/** Messages in the queue, those included that are being worked on. */
		left: async (): Promise<number> => {
			const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
			const { Attributes: counts = {} } = await client.send(
				new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
			);
			return names.reduce((sum, name) => sum + Number(counts[name]), 0);
		},
	};
}

type Queue = Awaited<ReturnType<typeof startQueue>>;

/** An archive with the clip, a queue, and workers on both. */
async function startWork(t: ExecutionContext) {
	const archive = await startArchive(t, { door: resolve('examples/media/clock.mkv') });
	const [, , fragment] = await collect(
		openArchive(t, archive.endpoint).fragments({ from: 0, to: Date.now(), by: 'producer' }),
	);
	const queue = await startQueue(t);
	const directory = join(await temporaryDirectory(t), 'events');
	const arn = archive.server.archive.stream('door')?.arn ?? '';
	return {
		queue,
		directory,
		event: notificationOf(arn, fragment as Fragment),
		output: join(directory, fragment?.fragmentNumber ?? ''),
		startWorker: () => startWorker(t, archive.endpoint, queue, directory),
	};
}

interface Worker {
	readonly said: () => string;
	readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>;
}

function startWorker(t: ExecutionContext, endpoint: string, queue: Queue, directory: string): Worker {
	const child: ChildProcess = spawn(
		process.execPath,
		[resolve('build/examples/event-worker.js'), directory],
		{
			stdio: ['ignore', 'pipe', 'pipe'],
			env: {
				...process.env,
				KVS_ENDPOINT: endpoint,
				KVS_STREAM: 'door',
				SQS_QUEUE_URL: queue.url,
				AWS_ENDPOINT_URL_SQS: queue.endpoint,
				AWS_REGION: 'us-east-1',
				AWS_ACCESS_KEY_ID: credentials.accessKeyId,
				AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
			},
		},
	);
	const closed = once(child, 'close');
	t.teardown(async () => {
		child.kill('SIGKILL');
		await closed;
	});
	let said = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream?.on('data', (chunk) => {
			said += chunk;
		});
	}
	return {
		said: () => said,
		end: async (signal) => {
			child.kill(signal);
			const [code] = await within(closed, () => `the worker did not end: ${said}`);
			return code as number | null;
		},
	};
}

/** Names, bytes and times of the files of an output. */
async function filesOf(output: string): Promise<Map<string, string>> {
	const files = new Map<string, string>();
	for (const name of (await readdir(output)).toSorted()) {
		const { mtimeMs } = await stat(join(output, name));
		files.set(name, `${mtimeMs} ${(await readFile(join(output, name))).toString('base64')}`);
	}
	return files;
}

async function assertOutput(t: ExecutionContext, output: string): Promise<void> {
	const files = await readdir(output);
	t.is(files.length, 7, files.join());
	t.deepEqual(JSON.parse(await readFile(join(output, 'verdict.json'), 'utf8')), {
		verdict: 'something moves',
		motion: 15.575,
		pictures: 5,
		isComplete: true,
		at: '2026-01-31T00:00:04.000Z',
		tags: { door: 'opened' },
	});
}

withFfmpeg('killed when its output is in place, before the message is deleted', async (t) => {
	const { queue, directory, event, output, startWorker: start } = await startWork(t);
	await queue.send(event);
	queue.holdDeletions(true);
	const first = start();
	await until(() => queue.heldBack() > 0, first.said);
	await first.end('SIGKILL');
	await assertOutput(t, output);
	const before = await filesOf(output);

	queue.holdDeletions(false);
	t.is(await queue.left(), 1);
	await queue.giveAgain();
	const second = start();
	await until(async () => (await queue.left()) === 0, second.said);
	t.is(await second.end('SIGTERM'), 0);
	t.regex(second.said(), /^\d+: was done before\n$/);
	t.deepEqual(await filesOf(output), before);
	t.is((await readdir(directory)).length, 1);
});

withFfmpeg('killed while it works; what it cannot read stays in the queue', async (t) => {
	const { queue, directory, event, output, startWorker: start } = await startWork(t);
	await queue.send(event);
	const first = start();
	// What it works on has a name that is hidden.
	const parts = async (): Promise<string[]> => readdir(directory).catch(() => []);
	await until(async () => (await parts()).length > 0, first.said);
	await first.end('SIGKILL');
	t.regex((await parts()).join(), /^\.\d+-/);

	await queue.giveAgain();
	await queue.send('not a notification');
	const second = start();
	await until(async () => queue.received() === 3 && (await queue.left()) === 1, second.said);
	t.is(await second.end('SIGTERM'), 0);
	t.regex(second.said(), /^\d+: something moves, 5 pictures$/m);
	t.regex(second.said(), /^message \S+: expected `message` to be a notification/m);
	await assertOutput(t, output);
	t.deepEqual((await parts()).filter((name) => !name.startsWith('.')).length, 1);
});

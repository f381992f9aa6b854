// Shows how to:
// 1. take what the service says of marked fragments from an SQS queue, and wait until the time around each is stored
// 2. store five pictures and a verdict for each event
// 3. have each event's output once and whole, though the worker may be killed at any moment and the queue gives a message again
//
// Needs ffmpeg, and @aws-sdk/client-sqs. Run: npm run check && node build/examples/event-worker.js [directory]
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import {
	type Fragment,
	type FragmentNotification,
	ImageSink,
	KvsArchive,
	type Picture,
	parseFragmentNotification,
	SinkError,
} from 'kvs-archive';
import { openExampleArchive } from './local-archive.js';
import { openExampleQueue } from './local-queue.js';
import { motionBetween } from './motion-between.js';

const PICTURES = 5;

/** How much around an event is looked at, in milliseconds. */
const BEFORE_MS = 1000;
const AFTER_MS = 1000;

/** Mean change of brightness in half a second from which on something moves. */
const THRESHOLD = 12;

const directory = process.argv[2] ?? join(tmpdir(), 'kvs-archive-events');
const local = await openExampleArchive();
const queue = await openExampleQueue(local.streamArn ?? '', await exampleFragments());
const stopped = new AbortController();
const { signal } = stopped;
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());

await mkdir(directory, { recursive: true, mode: 0o700 });
while (!signal.aborted) {
	const messages = await receive();
	if (messages.length === 0 && queue.isLocal) break;
	for (const message of messages) await handle(message);
}
await queue.close();
await local.close();

/** The next message, of a queue whose visibility timeout is longer than an event takes; none after some time without any. */
async function receive(): Promise<readonly Message[]> {
	const request = new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: queue.isLocal ? 0 : 20 });
	try {
		return (await queue.client.send(request, { abortSignal: signal })).Messages ?? [];
	} catch (error) {
		if (signal.aborted) return [];
		throw error;
	}
}

/** Deletes the message only when its output is in place: killed before that, the next worker gets it again. */
async function handle({ MessageId, Body = '', ReceiptHandle }: Message): Promise<void> {
	try {
		console.log(await finish(parseFragmentNotification(Body)));
	} catch (error) {
		// It comes again when its visibility timeout is over; after a few times the queue's redrive policy takes it away.
		if (!signal.aborted) console.error(`message ${MessageId}: ${(error as Error).message}`);
		return;
	}
	await queue.client.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle }));
}

/** Makes the output of an event, unless it is there. It gets its name, that of the event, when it is whole. */
async function finish(event: FragmentNotification): Promise<string> {
	const { fragmentNumber } = event;
	const output = join(directory, fragmentNumber);
	if (existsSync(output)) return `${fragmentNumber}: was done before`;
	const part = await mkdtemp(join(directory, `.${fragmentNumber}-`));
	try {
		const verdict = await look(event, part);
		await writeFile(join(part, 'verdict.json'), `${JSON.stringify(verdict)}\n`);
		await rename(part, output);
		return `${fragmentNumber}: ${verdict.verdict}, ${verdict.pictures} pictures`;
	} catch (error) {
		// Another worker was faster, with the same output.
		if (existsSync(output)) return `${fragmentNumber}: was done meanwhile`;
		throw error;
	} finally {
		await rm(part, { recursive: true, force: true });
	}
}

/** Stores the pictures of an event, and says what is to be seen in them. */
async function look(event: FragmentNotification, into: string): Promise<Verdict> {
	await using archive = new KvsArchive({ streamArn: event.streamArn, endpoint: local.endpoint });
	const around = { beforeMs: BEFORE_MS, afterMs: AFTER_MS, by: 'producer', signal } as const;
	const range = await archive.around(event, around);
	const stepMs = (BEFORE_MS + AFTER_MS) / (PICTURES - 1);
	const at = Array.from({ length: PICTURES }, (_, index) => range.from.getTime() + index * stepMs);

	const images = new ImageSink(into);
	try {
		await pipeline(archive.pictures(range, { select: { at }, signal }), images);
	} catch (error) {
		if (!(error instanceof SinkError) || error.code !== 'KVS_EMPTY_RANGE') throw error;
	}
	const motion = await mostMotion(archive.pictures(range, { select: { at }, format: 'nv12', signal }));
	return {
		verdict:
			images.count === 0 ? 'nothing was recorded' : motion < THRESHOLD ? 'nothing moves' : 'something moves',
		motion: Number(motion.toFixed(3)),
		pictures: images.count,
		isComplete: range.isComplete,
		at: event.producerTimestamp,
		tags: event.payload,
	};
}

interface Verdict {
	readonly verdict: string;
	readonly motion: number;
	readonly pictures: number;
	/** Whether all that was recorded after the event had come. */
	readonly isComplete: boolean;
	readonly at: Date;
	readonly tags: Readonly<Record<string, string>>;
}

/** Stands for the model. */
async function mostMotion(pictures: AsyncIterable<Picture>): Promise<number> {
	let most = 0;
	let before: Picture | null = null;
	for await (const picture of pictures) {
		if (before !== null) most = Math.max(most, motionBetween(before, picture));
		before = picture;
	}
	return most;
}

/** What the events in a local queue are about: two fragments of the clip, and the first once more, as a queue may do. */
async function exampleFragments(): Promise<readonly Fragment[]> {
	if (local.clipFile === null) return [];
	await using archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
	const fragments: Fragment[] = [];
	for await (const fragment of archive.fragments({ from: 0, to: Date.now(), by: 'producer' }))
		fragments.push(fragment);
	const [, , one, , , other] = fragments;
	return one === undefined || other === undefined ? [] : [one, other, one];
}

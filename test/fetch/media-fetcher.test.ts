import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import {
	ArchiveClient,
	type ArchiveError,
	type FragmentBatch,
	MediaFetcher,
	type MediaFetcherOptions,
	type MediaResponse,
} from 'kvs-archive';
import { fragmentDocument, fragmentNumber, frameBlock } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { until } from '../helpers/wait.js';

/** More than a body may always hold, so that without room it stands still. */
const BATCH_FRAGMENTS = 10;
const FRAME_BYTES = 100_000;

const media = (index: number): Buffer =>
	fragmentDocument({
		number: fragmentNumber(index),
		producerMs: startMs + index * 2000,
		blocks: [{ ...frameBlock(0, { keyframe: true }), data: Buffer.alloc(FRAME_BYTES, index) }],
	});

function batch(index: number): FragmentBatch {
	const fragments = Array.from({ length: BATCH_FRAGMENTS }, (_, at) => ({
		fragmentNumber: fragmentNumber(index * BATCH_FRAGMENTS + at + 1),
		fragmentSizeInBytes: FRAME_BYTES,
		producerTimestamp: new Date(startMs),
		serverTimestamp: new Date(startMs),
		fragmentLengthInMilliseconds: 0,
	}));
	return { index, fragments, sizeBytes: BATCH_FRAGMENTS * FRAME_BYTES };
}

const payload = ({ fragments }: FragmentBatch): Buffer =>
	Buffer.concat(fragments.map((fragment) => media(Number(fragment.fragmentNumber.slice(-6)))));

interface Fetching {
	readonly archive: TestArchive;
	readonly fetcher: MediaFetcher;
	readonly next: () => Promise<MediaResponse>;
}

/** A fetcher of `count` batches; `next` gives its responses. */
async function fetching(
	t: ExecutionContext,
	count: number,
	options: Partial<MediaFetcherOptions> = {},
): Promise<Fetching> {
	const door = Buffer.concat(Array.from({ length: count }, (_, index) => payload(batch(index))));
	const archive = await startArchive(t, { door });
	const client = options.client ?? new ArchiveClient({ streamName: 'door', endpoint: archive.endpoint });
	t.teardown(() => client.close());
	const fetcher = new MediaFetcher({ client, limiter: unlimited, ...options });
	fetcher.on('error', () => {});
	t.teardown(() => fetcher.destroy());
	for (let index = 0; index < count; index++) fetcher.write(batch(index));
	fetcher.end();
	const next = async (): Promise<MediaResponse> => {
		for (;;) {
			const response = fetcher.read() as MediaResponse | null;
			if (response !== null) return response;
			await once(fetcher, 'readable');
		}
	};
	return { archive, fetcher, next };
}

test('responses leave in the order of their batches, each with its own media', async (t) => {
	const { next } = await fetching(t, 4);
	for (let index = 0; index < 4; index++) {
		const response = await next();
		t.is(response.batch.index, index);
		t.true((await buffer(response.body)).equals(payload(response.batch)));
	}
});

test('several sessions download at once, and never more than allowed', async (t) => {
	const { archive, next } = await fetching(t, 8, { concurrency: 3, maxBufferedBytes: 1 });
	const first = await next();
	// Nobody reads: three bodies stand still at what each may hold.
	await until(
		() => archive.count('GetMediaForFragmentList') === 3,
		() => `${archive.count('GetMediaForFragmentList')} requests of media`,
	);
	await until(
		() => archive.requests.at(-1)?.openMediaConnections === 2,
		() => `${archive.count('GetMediaForFragmentList')} requests of media`,
	);
	t.is(archive.count('GetMediaForFragmentList'), 3);
	let response = first;
	for (let index = 0; index < 8; index++) {
		t.true((await buffer(response.body)).equals(payload(response.batch)));
		if (index < 7) response = await next();
	}
	t.true(archive.requests.every(({ openMediaConnections }) => openMediaConnections < 3));
});

test('the response that is read now gets a connection, even if later ones use them all', async (t) => {
	const { archive, next } = await fetching(t, 3, { concurrency: 2, maxBufferedBytes: 1 });
	const [first, second, third] = [await next(), await next(), await next()];
	await until(
		() => archive.count('GetMediaForFragmentList') === 2,
		() => `${archive.count('GetMediaForFragmentList')} requests of media`,
	);
	first.body.destroy();
	// The other two have both connections now, and no one reads them.
	await until(
		() => archive.count('GetMediaForFragmentList') === 3,
		() => `${archive.count('GetMediaForFragmentList')} requests of media`,
	);
	const again = await first.reopen({});
	t.true((await buffer(again.body)).equals(payload(first.batch)));
	// One of them was given up for it, and says so; it can be asked for again.
	let heldBack = 0;
	for (const response of [second, third]) {
		const read = await buffer(response.body).catch((error: ArchiveError) => error);
		if (Buffer.isBuffer(read)) {
			t.true(read.equals(payload(response.batch)));
			continue;
		}
		t.is(read.code, 'KVS_HELD_BACK');
		heldBack++;
		const reopened = await response.reopen({});
		t.true((await buffer(reopened.body)).equals(payload(response.batch)));
	}
	t.true(heldBack >= 1);
});

test('a response is reopened after a fragment, and for some fragments only', async (t) => {
	const { next } = await fetching(t, 1);
	const response = await next();
	await buffer(response.body);
	const again = await response.reopen({
		after: fragmentNumber(3),
		only: new Set([2, 5, 9].map(fragmentNumber)),
	});
	t.deepEqual(
		again.batch.fragments.map((fragment) => fragment.fragmentNumber),
		[5, 9].map(fragmentNumber),
	);
	t.true((await buffer(again.body)).equals(payload(again.batch)));
	await t.throwsAsync(response.reopen({ after: '7' }), { code: 'KVS_INVALID_OPTION' });
	await t.throwsAsync(response.reopen({ after: fragmentNumber(10) }), { code: 'KVS_INVALID_OPTION' });
});

test('a body ends with its error after everything that arrived', async (t) => {
	const archive = await startArchive(t, { door: payload(batch(0)) });
	const endpoint = await startMeddler(t, archive, ({ path, body }) =>
		path === '/getMediaForFragmentList' ? { body: body.subarray(0, 500_000), cut: true } : null,
	);
	const { next } = await fetching(t, 1, { client: new ArchiveClient({ streamName: 'door', endpoint }) });
	const { body } = await next();
	let bytes = 0;
	const reading = async (): Promise<void> => {
		for await (const chunk of body) bytes += (chunk as Buffer).byteLength;
	};
	await t.throwsAsync(reading());
	t.is(bytes, 500_000);
});

test('a destroyed fetcher closes every connection, also those of responses that were not taken', async (t) => {
	const { archive, fetcher, next } = await fetching(t, 5, { maxBufferedBytes: 1 });
	await next();
	await until(
		() => archive.count('GetMediaForFragmentList') === 5,
		() => `${archive.count('GetMediaForFragmentList')} requests of media`,
	);
	fetcher.destroy();
	const connections = (): Promise<number> =>
		new Promise((resolve) => archive.server.getConnections((_, count) => resolve(count)));
	let open = 0;
	await until(
		async () => {
			archive.server.closeIdleConnections();
			open = await connections();
			return open <= 1;
		},
		() => `${open} connections are open`,
	);
	t.true(fetcher.destroyed);
});

test('in order of arrival everything comes as well', async (t) => {
	const { next } = await fetching(t, 7, { order: 'arrival' });
	const seen = new Set<number>();
	for (let index = 0; index < 7; index++) {
		const response = await next();
		seen.add(response.batch.index);
		t.true((await buffer(response.body)).equals(payload(response.batch)));
	}
	t.is(seen.size, 7);
});

test('refuses invalid options', (t) => {
	const client = new ArchiveClient({ streamName: 'door', endpoint: 'http://127.0.0.1:1' });
	for (const options of [{ concurrency: 0 }, { concurrency: 1.5 }, { maxBufferedBytes: 0 }]) {
		t.throws(() => new MediaFetcher({ client, ...options }), { code: 'KVS_INVALID_OPTION' });
	}
});

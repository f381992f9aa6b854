import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import test from 'ava';
import { Cluster, Redis } from 'ioredis';
import {
	type ArchivedImage,
	batchPictures,
	type CheckpointStore,
	type ClipStream,
	type ClipSummary,
	DatasetSink,
	Demuxer,
	ERROR_CODES,
	type FailureName,
	type FileTag,
	FollowMetrics,
	FragmentBatcher,
	FragmentSource,
	type Frame,
	FrameFilter,
	ffmpeg,
	ImageSink,
	InvalidOptionError,
	KvsArchive,
	type KvsErrorCode,
	type MediaEvent,
	MediaFetcher,
	type MetricSource,
	MkvReader,
	PictureDecoder,
	type RateLimiter,
	type Recording,
	readManifest,
	readMkv,
	serveMetrics,
	type Tag,
	type TimeRange,
	verifyRecordings,
} from 'kvs-archive';
import { ArchiveQueue, type FragmentHandler, type SliceHandler, type SliceResult } from 'kvs-archive/bullmq';
import { DynamoCheckpoints } from 'kvs-archive/dynamodb';
import { createRedisLimiter, RedisCheckpoints } from 'kvs-archive/redis';
import { s3 } from 'kvs-archive/s3';
import { createArchiveServer } from 'kvs-archive/server';

/** Fails to compile where two types are not the same. */
function same<Expected>() {
	return <Actual>(_value: Actual, ..._same: Same<Expected, Actual>): void => {};
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never];

const archive = new KvsArchive({ streamName: 'door', endpoint: 'http://127.0.0.1:9' });
const range = { from: '2026-01-31T00:00:00Z', to: Date.UTC(2026, 1, 1), by: 'producer' };
test.after(() => archive.close());

/** Compiled, and never called: what is checked in it are the types. */
async function typesOfTheCalls(): Promise<void> {
	for await (const fragment of archive.fragments(range, { padStart: true, duplicates: 'keep-newest' })) {
		same<string>()(fragment.fragmentNumber);
		same<Date>()(fragment.producerTimestamp);
		// @ts-expect-error: not a field of a fragment
		void fragment.thisDoesNotExist;
	}
	for await (const event of archive.events(range)) {
		same<MediaEvent>()(event);
		if (event.type === 'fragment') same<readonly Tag[]>()(event.tags);
		if (event.type === 'fragment-end') same<Date | null>()(event.producerTimestamp);
		if (event.type === 'fragment-failure') same<FailureName>()(event.name);
	}
	for await (const frame of archive.frames(range, { select: { everyMs: 1000 } })) same<Frame>()(frame);
	for await (const frames of archive.frames(range).batches()) same<Frame[]>()(frames);
	for await (const image of archive.images(range, { everyMs: 500, format: 'png', height: 90 })) {
		same<ArchivedImage>()(image);
		if (image.error === null) same<Uint8Array | null>()(image.data);
		// @ts-expect-error: the options are those of images
		archive.images(range, { select: 'all' });
	}
	const queue = new ArchiveQueue({ url: 'redis://127.0.0.1' });
	const stream = { streamName: 'door' };
	const submitted = await queue.submit({
		stream,
		range,
		sliceMs: 1000,
		work: { kind: 'handler', module: 'x.mjs' },
	});
	same<SliceResult | null | undefined>()((await submitted.wait()).outcomes[0]?.result);
	// @ts-expect-error: an export has a container
	await queue.submit({ stream, range, sliceMs: 1000, work: { kind: 'export' } });
	const onSlice: SliceHandler = async ({ from, directory }) => ({ from, directory });
	const onFragment: FragmentHandler = ({ frames }) => same<readonly Frame[]>()(frames);
	await queue.follow({ streams: [stream], work: { kind: 'record' }, output: '.', everyMs: 60_000 });
	void [onSlice, onFragment];
	for await (const picture of archive.pictures(range)) same<Date | null>()(picture.timestamp);
	const decoder = ffmpeg({ args: ['-hwaccel', 'cuda'], filter: 'hqdn3d', timeoutMs: 10_000 });
	const output = { size: { width: 640 }, fit: 'contain', format: 'webp', quality: 80, decoder } as const;
	for await (const { shape } of archive.pictures(range, output)) same<readonly number[] | null>()(shape);
	for await (const page of archive.paginate('ListFragments')) {
		same<string | undefined>()(page.Fragments?.[0]?.FragmentNumber);
		// @ts-expect-error: a member of ListStreams
		void page.StreamInfoList;
	}
	for await (const { StreamName } of archive.paginate('ListStreams').items())
		same<string | undefined>()(StreamName);
	for await (const page of archive.paginate('list_fragments')) same<unknown>()(page['Fragments']);
	const { summary } = archive.events(range);
	same<boolean>()((await summary).isComplete);
	same<number>()((await summary).skipped);
	archive.events(range, { where: { ContactId: 'a' } });
	archive.frames(range, { where: (fragment) => fragment.tag('ContactId') === 'a' });
	same<FileTag | undefined>()(
		(await archive.export(range, 'x.wav', { split: { tag: 'ContactId' } })).files[0]?.tag,
	);
	same<number>()((await archive.exportRaw(range, 'x.mkv', { where: { Call: 'one' } })).fileBytes);

	const clip: ClipStream = archive.clip(range);
	const { parts }: ClipSummary = await clip.summary;
	same<boolean | undefined>()(parts[0]?.isShort);
	const contentType: 'video/mp4' = clip.contentType;
	void contentType;
	// @ts-expect-error: the service knows no tags
	archive.clip(range, { where: { ContactId: 'a' } });

	// @ts-expect-error: the value of a tag is a text
	archive.events(range, { where: { ContactId: 1 } });
	// @ts-expect-error: a listing knows no tags
	archive.fragments(range, { where: { ContactId: 'a' } });
	// @ts-expect-error: misspelled
	archive.events(range, { padstart: true });
	// @ts-expect-error: not an option of a listing
	archive.fragments(range, { strict: true });
	// @ts-expect-error: not an option of an export
	void archive.export(range, 'x.mkv', { order: 'arrival' });
	// @ts-expect-error: not an option of a raw export
	void archive.exportRaw(range, 'x.mkv', { tracks: ['video'] });
	const { recordings } = await archive.record('recordings', {
		split: { everyMs: 60_000 },
		container: 'mkv',
		onRecording: (recording) => same<Recording>()(recording),
	});
	same<number>()(recordings);
	// @ts-expect-error: a recorder acknowledges by itself
	void archive.record('recordings', { ack: 'manual' });
	// @ts-expect-error: a range has two ends
	archive.frames({ from: new Date() });
	const code: KvsErrorCode = 'KVS_EMPTY_RANGE';
	// @ts-expect-error: not a code
	const other: KvsErrorCode = 'KVS_EMPTY_RANGES';
	const codes: readonly KvsErrorCode[] = [...ERROR_CODES, code, other];
	void codes;

	const metrics: MetricSource = new FollowMetrics();
	same<string>()((await serveMetrics(metrics, { port: 0 })).url);
	archive.follow({ metrics: new FollowMetrics() });

	const stores: readonly CheckpointStore[] = [
		new RedisCheckpoints({ url: 'redis://127.0.0.1', leaseMs: 1000 }),
		new RedisCheckpoints({ client: new Redis({ lazyConnect: true }) }),
		new RedisCheckpoints({ client: new Cluster([]) }),
		new DynamoCheckpoints({ table: 'checkpoints', client: new DynamoDBClient() }),
		// @ts-expect-error: a table has a name
		new DynamoCheckpoints({ region: 'eu-west-1' }),
		// @ts-expect-error: misspelled
		new RedisCheckpoints({ url: 'redis://127.0.0.1', leaseMS: 1000 }),
	];
	for (const checkpoint of stores) archive.follow({ checkpoint });

	const place = s3('s3://media/x.mp4', { client: new S3Client(), stagingDirectory: 'staging' });
	void archive.export(range, place);
	void archive.exportRaw(range, place);
	void archive.exportPictures(range, place);
	void archive.record(place);
	void new ImageSink(place);
	void readManifest(place);
	void verifyRecordings(place);
	// @ts-expect-error: misspelled
	s3('s3://media/x.mp4', { stagingdirectory: 'staging' });

	const limiters: readonly RateLimiter[] = [
		createRedisLimiter({ url: 'redis://127.0.0.1', quotas: { callsPerSecond: 3 } }),
		createRedisLimiter({ client: new Redis({ lazyConnect: true }), key: 'door' }),
		createRedisLimiter({ client: new Cluster([]) }),
		// @ts-expect-error: misspelled
		createRedisLimiter({ url: 'redis://127.0.0.1', onaway: () => {} }),
	];
	for (const limiter of limiters) new KvsArchive({ streamName: 'door', limiter });
}

void typesOfTheCalls;

test('every call refuses an unknown option', async (t) => {
	const wrong = { padstart: true } as object;
	const calls: Record<string, () => unknown> = {
		redis: () => new RedisCheckpoints({ url: 'redis://127.0.0.1', ...wrong }),
		limiter: () => createRedisLimiter({ url: 'redis://127.0.0.1', ...wrong }),
		dynamodb: () => new DynamoCheckpoints({ table: 'checkpoints', ...wrong }),
		s3: () => s3('s3://media/x.mp4', wrong),
		constructor: () => new KvsArchive({ streamName: 'door', ...wrong }),
		fragments: () => archive.fragments(range, wrong),
		timeline: () => archive.timeline(range, wrong),
		events: () => archive.events(range, wrong),
		frames: () => archive.frames(range, wrong),
		pictures: () => archive.pictures(range, wrong),
		export: () => archive.export(range, 'never-written.mkv', wrong),
		exportRaw: () => archive.exportRaw(range, 'never-written.mkv', wrong),
		record: () => archive.record('never-recorded', wrong),
		hlsSession: () => archive.hlsSession(wrong),
		presign: () => archive.presign('ListFragments', {}, wrong),
		paginate: () => archive.paginate('ListFragments', {}, wrong),
		waitForFragment: () => archive.waitForFragment({ from: new Date() }, wrong),
		range: () => archive.events({ ...range, ...wrong } as TimeRange),
		images: () => archive.images(range, wrong),
		exportPictures: () => archive.exportPictures(range, 'never-written', wrong),
		clip: () => archive.clip(range, wrong),
		live: () => archive.live({ from: 'now', ...wrong }),
		follow: () => archive.follow(wrong),
		feed: () => archive.feed('never-read.mkv', wrong),
		source: () => new FragmentSource({ client: archive.client, range, ...wrong }),
		batcher: () => new FragmentBatcher(wrong),
		fetcher: () => new MediaFetcher({ client: archive.client, ...wrong }),
		demuxer: () => new Demuxer(wrong),
		reader: () => new MkvReader(wrong),
		readMkv: () => readMkv([], wrong).next(),
		filter: () => new FrameFilter(wrong),
		decoder: () => new PictureDecoder(wrong),
		ffmpeg: () => ffmpeg(wrong),
		batchPictures: () => batchPictures(archive.pictures(range), { size: 1, ...wrong }),
		datasetSink: () => new DatasetSink('never-written', wrong),
		serveMetrics: () => serveMetrics(new FollowMetrics(), { port: 0, ...wrong }),
		server: () => createArchiveServer(wrong),
	};
	for (const [name, call] of Object.entries(calls)) {
		const error = await t.throwsAsync(async () => call(), { code: 'KVS_INVALID_OPTION' }, name);
		t.regex(error.message, /^expected `padstart` to be one of the options `/, name);
	}
	for (const option of [{ maxItems: 1 }, { startingToken: 'x' }]) {
		t.throws(() => archive.fragments(range, { padStart: true, ...option }), { code: 'KVS_INVALID_OPTION' });
	}
});

test('input of another type is refused at once, by its name', async (t) => {
	const door = { streamName: 'door' };
	const calls: readonly (readonly [string, () => unknown])[] = [
		['options', () => new KvsArchive(undefined as never)],
		['options', () => new KvsArchive('door' as never)],
		['options', () => archive.events(range, 5 as never)],
		['options', () => archive.follow(null as never)],
		['options', () => archive.export(range, 'never-written.mkv', 5 as never)],
		['streamName', () => new KvsArchive({ streamName: 5 as never })],
		['region', () => new KvsArchive({ ...door, region: 5 as never })],
		['endpoint', () => new KvsArchive({ ...door, endpoint: new URL('http://127.0.0.1:9') as never })],
		['credentials', () => new KvsArchive({ ...door, credentials: 'key:secret' as never })],
		['credentials', () => new KvsArchive({ ...door, credentials: {} as never })],
		['responseTimeoutMs', () => new KvsArchive({ ...door, responseTimeoutMs: '5' as never })],
		['quotas', () => new KvsArchive({ ...door, quotas: 'aws' as never })],
		['range', () => archive.events(undefined as never)],
		['range', () => archive.events('2026' as never)],
		['signal', () => archive.events(range, { signal: {} as never })],
		['order', () => archive.events(range, { order: 'any' as never })],
		['maxBufferedBytes', () => archive.events(range, { maxBufferedBytes: -1 })],
		['maxBufferedBytes', () => archive.follow({ maxBufferedBytes: '100' as never })],
		['file', () => archive.export(range, undefined as never)],
		['deliver', () => new MkvReader({ deliver: 'all' as never })],
	];
	for (const [option, call] of calls) {
		const error = await t.throwsAsync(async () => call(), { instanceOf: InvalidOptionError }, option);
		t.is(error.option, option);
		t.notRegex(error.message, /key:secret/);
	}
	const endless = t.throws(() => new KvsArchive({ streamName: 'x'.repeat(1_000_000) }));
	t.regex(endless.message, /^expected `streamName` to be .*, got `x{512}…`$/);
});
